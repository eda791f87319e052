import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A door in front of a TCP server, which tests shut to take that server away from a client. */
export interface Gate {
  /** The server's URL with the gate's port. */
  url: string;
  /** Cuts all connections and takes no new ones. */
  shut(): Promise<void>;
  reopen(): Promise<void>;
  /** The connections of now go silent for good, without being cut. New ones work. */
  freeze(): void;
}

/** Opens a gate on a free port of 127.0.0.1 in front of the server that `url` names. */
export async function openGate(url: string): Promise<Gate> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const accept = (client: Socket) => {
    const server = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  };
  let door: Server = createServer(accept).listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { port } = door.address() as { port: number };
  const gated = new URL(url);
  gated.port = String(port);
  return {
    url: gated.href,
    async shut() {
      const closed = once(door, 'close');
      door.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async reopen() {
      door = createServer(accept).listen(port, '127.0.0.1');
      await once(door, 'listening');
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
