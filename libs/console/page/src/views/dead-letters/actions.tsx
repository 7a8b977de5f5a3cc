/** What can be done with a dead letter. */
import { path, post } from '../../api/client.js';
import type { MessageView } from '../../api/types.js';
import { useState } from 'preact/hooks';
import { can } from '../../state/session.js';
import { Button } from '../../ui/basics.js';
import { confirm } from '../../ui/dialog.js';
import { Resend } from './resend.js';

export interface DeadLetterActionsProps {
  readonly message: MessageView;
  /** Called when something of it was changed. */
  readonly changed: () => void;
}

/** Nothing for a message that is dead nowhere, or for a caller that may change nothing. */
export function DeadLetterActions({ message, changed }: DeadLetterActionsProps) {
  const [editing, setEditing] = useState(false);
  const dead = message.deliveries.filter(
    ({ state, discarded }) => (state === 'dead' || state === 'expired') && !discarded,
  );
  if (dead.length === 0 || !can('operator')) return null;
  const consumers = dead.map(({ consumer }) => consumer).join(', ');
  const discardable = dead.some(({ state }) => state === 'dead');
  const requeue = async (): Promise<void> => {
    const answer = await confirm({
      title: 'Requeue this message',
      text: () => `It begins anew at ${consumers}, with all its attempts.`,
      action: 'Requeue',
      run: () => post(path`/dead-letters/${message.id}/requeue`),
      done: 'Requeued',
    });
    if (answer) changed();
  };
  const discard = async (): Promise<void> => {
    const answer = await confirm({
      title: 'Discard this message',
      text: () => `It stays on record, and is not handled by ${consumers} any more.`,
      action: 'Discard',
      kind: 'danger',
      reason: 'required',
      run: (reason) => post(path`/dead-letters/${message.id}/discard`, { reason }),
      done: 'Discarded',
    });
    if (answer) changed();
  };
  return (
    <>
      {discardable && (
        <Button icon="trash" onClick={() => void discard()}>
          Discard
        </Button>
      )}
      {message.payloadHidden === undefined && (
        <Button icon="edit" onClick={() => setEditing(true)}>
          Edit and resend
        </Button>
      )}
      <Button icon="retry" kind="primary" onClick={() => void requeue()}>
        Requeue
      </Button>
      {editing && (
        <Resend
          message={message}
          consumers={dead.map(({ consumer }) => consumer)}
          onClose={() => setEditing(false)}
          changed={changed}
        />
      )}
    </>
  );
}
