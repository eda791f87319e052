// Loaded before a script that a launcher runs: when the launcher is killed (-9) this process would
// go on alone, holding the port and the data. The launcher holds the other end of this pipe open.
import { Socket } from 'node:net';

const descriptor = Number(process.env.DIBS_FOLLOW);
delete process.env.DIBS_FOLLOW;
if (descriptor > 2) {
  const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
  pipe.on('error', () => {});
  pipe.on('close', () => process.kill(process.pid, 'SIGKILL'));
  pipe.resume();
  pipe.unref();
}
