/** A proposal's outcome in a word, and its tally as a bar. */
import type { ProposalSummary } from '../../api/types.js';
import { type Kind, Status } from '../../ui/basics.js';

const kinds: Readonly<Record<ProposalSummary['state'], Kind>> = {
  open: 'busy',
  approved: 'good',
  rejected: 'bad',
  no_quorum: 'idle',
};

export const Outcome = ({ of: { state } }: { readonly of: ProposalSummary }) => (
  <Status kind={kinds[state]}>{state.replaceAll('_', ' ')}</Status>
);

/** Weights. */
export function Tally({ of }: { readonly of: ProposalSummary['tally'] }) {
  const { for: yes, against, abstain, silent } = of;
  const total = Math.max(1, yes + against + abstain + silent);
  const told = `${yes} for, ${against} against, ${abstain} abstain, ${silent} have not voted`;
  const part = (name: string, weight: number) =>
    weight > 0 && <span class={name} style={{ width: `${(100 * weight) / total}%` }} />;
  return (
    <span class="tally" title={told}>
      <span class="bar" role="img" aria-label={told}>
        {part('yes', yes)}
        {part('no', against)}
        {part('abstain', abstain)}
      </span>
      <span class="figure">
        {yes} : {against}
      </span>
    </span>
  );
}
