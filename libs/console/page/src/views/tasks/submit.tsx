/** Submits a task of a type that an agent carries out now. */
import { useState } from 'preact/hooks';
import { get, path, post } from '../../api/client.js';
import { changed } from '../../api/live.js';
import type { Page, TaskType } from '../../api/types.js';
import { useQuery } from '../../api/use.js';
import { go } from '../../state/router.js';
import { Button } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { plural } from '../../ui/format.js';
import { JsonField, parsed } from '../../ui/json-field.js';
import { Empty, Pending } from '../../ui/states.js';
import { exampleOf } from './example.js';

export function Submit({ onClose }: { readonly onClose: () => void }) {
  const types = useQuery<Page<TaskType>>((signal) => get('/task-types', {}, signal), [], ['agents']);
  return types.data && types.data.items.length > 0 ? (
    <Form types={types.data.items} onClose={onClose} />
  ) : (
    <Dialog title="Submit a task" onClose={onClose}>
      {types.data ? (
        <Empty title="No agent carries out tasks">
          Types are listed while an agent with a method for them is alive.
        </Empty>
      ) : (
        <Pending of={types} />
      )}
      <footer>
        <Button onClick={onClose}>Close</Button>
      </footer>
    </Dialog>
  );
}

const nameOf = ({ type, version }: TaskType): string => `${type}@${version}`;

function Form({ types, onClose }: { readonly types: readonly TaskType[]; readonly onClose: () => void }) {
  const [chosen, setChosen] = useState(() => types[0] as TaskType);
  const [text, setText] = useState(() => written(chosen));
  const [priority, setPriority] = useState('5');
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);
  const { value, error } = parsed(text);
  const choose = (name: string): void => {
    const type = types.find((each) => nameOf(each) === name);
    if (!type) return;
    setChosen(type);
    setText(written(type));
  };
  const submit = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      const { type, version } = chosen;
      const { id } = await post<{ id: string }>('/tasks', {
        type,
        version,
        payload: value,
        priority: Number(priority),
      });
      changed(['tasks']);
      onClose();
      go(path`/tasks/${id}`);
    } catch (error) {
      setFault((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Submit a task" onClose={onClose} onSubmit={() => void submit()} wide>
      <div class="filters">
        <label class="field">
          <span>Type</span>
          <select value={nameOf(chosen)} onChange={({ currentTarget }) => choose(currentTarget.value)}>
            {types.map((type) => (
              <option key={nameOf(type)} value={nameOf(type)}>
                {nameOf(type)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>Priority</span>
          <input
            type="number"
            min={0}
            max={10}
            required
            value={priority}
            onInput={({ currentTarget }) => setPriority(currentTarget.value)}
          />
        </label>
      </div>
      <p class="hint">
        {plural(chosen.agents.length, 'agent')} can do it: {chosen.agents.join(', ')}
      </p>
      <JsonField label="Payload" value={text} onInput={setText} error={error} />
      {fault && (
        <p class="status bad" role="alert">
          {fault}
        </p>
      )}
      <footer>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" disabled={error !== undefined} busy={busy}>
          Submit
        </Button>
      </footer>
    </Dialog>
  );
}

const written = ({ schema }: TaskType): string => JSON.stringify(exampleOf(schema), null, 2);
