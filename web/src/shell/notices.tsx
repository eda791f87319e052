import { Link, useLocation } from '@tanstack/react-router';
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react';
import { useAnnouncer } from '../announcer/live-regions.tsx';
import { type MessageId, useText } from '../messages/text.ts';
import { CrossIcon } from './icons.tsx';

/** News about the person's own orders that reach them on whatever screen they are. */
export interface Notice {
  readonly number: number;
  readonly message: MessageId;
  readonly orderId: string;
}

/** More than these at once would cover the screen; the oldest goes. */
const NOTICES_MAX = 3;

export class NoticeBoard {
  #notices: readonly Notice[] = [];
  #number = 0;
  readonly #listeners = new Set<() => void>();

  post(message: MessageId, orderId: string): void {
    this.#number += 1;
    const others = this.#notices.filter((notice) => notice.orderId !== orderId);
    this.#set([...others, { number: this.#number, message, orderId }].slice(-NOTICES_MAX));
  }

  remove(number: number): void {
    this.#set(this.#notices.filter((notice) => notice.number !== number));
  }

  readonly notices = (): readonly Notice[] => this.#notices;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(notices: readonly Notice[]): void {
    this.#notices = notices;
    for (const listener of this.#listeners) listener();
  }
}

const BoardContext = createContext<NoticeBoard | null>(null);

export function NoticeProvider({ board, children }: { board: NoticeBoard; children: ReactNode }) {
  return <BoardContext value={board}>{children}</BoardContext>;
}

export function Notices() {
  const board = useContext(BoardContext);
  if (board === null) throw new Error('Notices need a NoticeProvider around them');
  return <NoticeList board={board} />;
}

function NoticeList({ board }: { board: NoticeBoard }) {
  const notices = useSyncExternalStore(board.subscribe, board.notices);
  const text = useText();
  if (notices.length === 0) return null;
  return (
    <section
      aria-label={text('notice.title')}
      className="fixed inset-x-4 bottom-[calc(var(--bar-height)+1rem)] z-40 ms-auto grid max-w-md gap-3 md:bottom-6"
    >
      {notices.map((notice) => (
        <NoticeSheet
          key={notice.number}
          notice={notice}
          onClose={() => board.remove(notice.number)}
        />
      ))}
    </section>
  );
}

function NoticeSheet({ notice, onClose }: { notice: Notice; onClose: () => void }) {
  const text = useText();
  const announcer = useAnnouncer();
  const words = text(notice.message);
  // On the order's or its drop's own page the news is seen where it belongs; there it is only said.
  const { pathname } = useLocation();
  const isHere = [`/orders/${notice.orderId}`, `/drops/${notice.orderId.slice(0, 36)}`].includes(
    pathname,
  );
  useEffect(() => announcer.announce({ priority: 'now', text: words }), [announcer, words]);
  useEffect(() => {
    if (isHere) onClose();
  }, [isHere, onClose]);
  if (isHere) return null;
  return (
    <div className="sheet flex items-start gap-3 p-4">
      <div className="flex-1">
        <p className="font-semibold">{words}</p>
        <Link
          to="/orders/$orderId"
          params={{ orderId: notice.orderId }}
          className="link mt-1 inline-block py-1"
          onClick={onClose}
        >
          {text('notice.toOrder')}
        </Link>
      </div>
      <button
        type="button"
        className="grid size-11 place-items-center rounded-lg hover:bg-wash"
        aria-label={text('shell.close')}
        onClick={onClose}
      >
        <CrossIcon />
      </button>
    </div>
  );
}
