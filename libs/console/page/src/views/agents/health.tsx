/** How an agent is, in a word: its health, or that it is paused. */
import type { AgentRow } from '../../api/types.js';
import { type Kind, Status } from '../../ui/basics.js';
import { pauseState } from '../pauses.js';

const kinds: Readonly<Record<AgentRow['health'], Kind>> = {
  healthy: 'good',
  suspect: 'warn',
  dead: 'bad',
  stopped: 'idle',
};

export const isUnhealthy = ({ health, conditions }: AgentRow): boolean =>
  health === 'suspect' || health === 'dead' || (health === 'healthy' && conditions.length > 0);

export function Health({ of: { health, conditions, conditionDetail, pause } }: { readonly of: AgentRow }) {
  if (health === 'healthy' && pause) return <Status kind="warn">{pauseState(pause)}</Status>;
  const told = conditions.map((each) => each.replaceAll('_', ' ')).join(', ');
  if (health === 'healthy' && told) {
    return (
      <span title={conditionDetail}>
        <Status kind="warn">{told}</Status>
      </span>
    );
  }
  return (
    <span title={conditionDetail}>
      <Status kind={kinds[health]}>{health}</Status>
    </span>
  );
}
