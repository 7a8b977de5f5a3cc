/** `<Outdated />`: that what is shown may be old, and why. Part of each view's frame; nothing while the view follows what happens. */
import { isPassing } from '../api/client.js';
import { connection, overview } from '../api/live.js';
import { outdated } from '../api/use.js';
import { times } from '../state/preferences.js';
import { absolute } from './format.js';

export function Outdated() {
  const [fault] = outdated.value.values();
  const at = overview.value?.at;
  // what can't be read at all is told in its place
  const isLost = connection.value === 'lost' && at !== undefined;
  if (!isLost && !fault) return null;
  return (
    <p class="notice warn" role="status">
      <span>
        {isLost && <b>{`No live updates since ${timeOf(at)}: what is shown may be as old as that. `}</b>}
        {fault && `What is shown could not be read anew (${fault.message}). `}
        {(isLost || isPassing(fault)) && 'This page goes on trying.'}
      </span>
    </p>
  );
}

const timeOf = (at: string): string => absolute(new Date(at), times.value === 'utc' ? 'utc' : 'local');
