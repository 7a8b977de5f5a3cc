/** Sends a message with another payload in place of a dead one, which is discarded. */
import { useState } from 'preact/hooks';
import { path, post } from '../../api/client.js';
import type { MessageView } from '../../api/types.js';
import { go } from '../../state/router.js';
import { Button } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { JsonField, parsed } from '../../ui/json-field.js';
import { toast } from '../../ui/toasts.js';

export interface ResendProps {
  readonly message: MessageView;
  /** Where it is dead. */
  readonly consumers: readonly string[];
  readonly onClose: () => void;
  readonly changed: () => void;
}

export function Resend({ message, consumers, onClose, changed }: ResendProps) {
  const before = JSON.stringify(message.payload, null, 2) ?? '';
  const [text, setText] = useState(before);
  const [consumer, setConsumer] = useState(consumers[0] ?? '');
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { value, error } = parsed(text);
  const send = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      const { replacedBy } = await post<{ replacedBy?: string }>(path`/dead-letters/${message.id}/requeue`, {
        consumer,
        payload: value,
      });
      toast('Sent in its place');
      changed();
      onClose();
      if (replacedBy) go(path`/messages/${replacedBy}`);
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Edit and resend" onClose={onClose} onSubmit={() => void send()} wide>
      <p class="text">
        A new {message.type} takes the place of this one at {consumer}. This one is discarded.
      </p>
      {consumers.length > 1 && (
        <label class="field">
          <span>Consumer</span>
          <select value={consumer} onChange={({ currentTarget }) => setConsumer(currentTarget.value)}>
            {consumers.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
      <JsonField label="Payload" value={text} onInput={setText} error={error} />
      {fault && (
        <p class="status bad" role="alert">
          {fault}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" disabled={error !== undefined || text === before} busy={busy}>
          Resend
        </Button>
      </footer>
    </Dialog>
  );
}
