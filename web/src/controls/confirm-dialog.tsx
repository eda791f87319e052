import { type ReactNode, useState } from 'react';
import { Dialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { useText } from '../messages/text.ts';
import { Button } from './button.tsx';
import { ErrorNote } from './error-note.tsx';

export interface ConfirmProps {
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly action: string;
  readonly isDanger?: boolean;
  /** `false`: something in the dialog is not right yet, and it stays open. */
  readonly onConfirm: () => Promise<unknown>;
}

export default function ConfirmDialog(props: ConfirmProps) {
  const text = useText();
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const close = () => {
    setError(null);
    props.onClose();
  };
  const confirm = async () => {
    setPending(true);
    setError(null);
    try {
      if ((await props.onConfirm()) !== false) close();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setPending(false);
    }
  };
  return (
    <ModalOverlay
      isOpen
      onOpenChange={(isOpen) => {
        if (!isOpen && !isPending) close();
      }}
      isDismissable
      className="fixed inset-0 z-50 grid place-items-center overflow-y-auto bg-[#0b0d1299] p-4"
    >
      <Modal className="sheet w-full max-w-md p-6">
        <Dialog role="alertdialog" className="outline-none">
          <Heading slot="title" className="text-xl">
            {props.title}
          </Heading>
          <div className="mt-3 grid gap-4 text-soft">{props.children}</div>
          {error !== null && <ErrorNote error={error} />}
          <div className="mt-6 flex flex-wrap justify-end gap-3">
            <Button onPress={close} isDisabled={isPending}>
              {text('shell.cancel')}
            </Button>
            <Button
              kind={props.isDanger === true ? 'danger' : 'main'}
              isPending={isPending}
              onPress={() => void confirm()}
            >
              {props.action}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
