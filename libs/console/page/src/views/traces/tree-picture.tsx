/** A trace as the tree of what caused what, with the times since its start. */
import { duration } from '../../ui/format.js';
import { HopOutcomeStatus, hopHref, recipientOf } from './hop.js';
import { type HopView, type TreeRow, treeOf } from './layout/tree.js';

const MOST = 200;

export function TreePicture({ hops, start }: { readonly hops: readonly HopView[]; readonly start: string }) {
  const rows = treeOf(hops);
  const after = (at: string | undefined): string =>
    at ? duration(Math.max(0, Date.parse(at) - Date.parse(start))) : '–';
  return (
    <div class="table tree">
      <table aria-label="Messages by what caused them">
        <thead>
          <tr>
            <th scope="col" class="wide">
              Message
            </th>
            <th scope="col">Had by</th>
            <th scope="col" class="end">
              Sent
            </th>
            <th scope="col" class="end minor">
              Received
            </th>
            <th scope="col" class="end minor">
              Handled
            </th>
            <th scope="col" class="end">
              Took
            </th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST).map((row) => (
            <tr key={row.key}>
              <td class="wide" data-label="Message">
                <Branch row={row} />
              </td>
              <td class="by" data-label="Had by">
                {recipientOf(row.hop)}
              </td>
              <td class="end" data-label="Sent">
                {after(row.hop.sentAt)}
              </td>
              <td class="end minor" data-label="Received">
                {after(row.hop.receivedAt)}
              </td>
              <td class="end minor" data-label="Handled">
                {after(row.hop.handledAt)}
              </td>
              <td class="end" data-label="Took">
                {took(row.hop)}
              </td>
              <td data-label="Outcome">
                <HopOutcomeStatus hop={row.hop} />
                {row.hop.attempts.length > 1 && <span class="faint"> {row.hop.attempts.length} attempts</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST && <p class="hint">{rows.length - MOST} more are not shown: the waterfall has them all.</p>}
    </div>
  );
}

function Branch({ row: { hop, depth, last, lines } }: { readonly row: TreeRow }) {
  const to = hopHref(hop);
  const name = hop.kind === 'reply' ? 'reply' : hop.type;
  return (
    <span class="branch">
      {lines.map((goesOn, level) => (
        <i key={level} class={goesOn ? 'guide on' : 'guide'} />
      ))}
      {depth > 0 && <i class={last ? 'guide last' : 'guide fork'} />}
      <span class="hidden">level {depth + 1}:</span>
      <span class="what">
        {to ? <a href={to}>{name}</a> : <b>{name}</b>}
        <span class="faint"> {hop.kind}</span>
      </span>
    </span>
  );
}

function took({ attempts }: HopView): string {
  const last = attempts.at(-1);
  return last?.receivedAt && last.handledAt ? duration(Date.parse(last.handledAt) - Date.parse(last.receivedAt)) : '–';
}
