import { Audit, type AuditQuery, type AuditRow } from 'agentmq/operations';
import type { ListOptions } from '../command/options.js';
import { withStore } from '../command/with-store.js';
import { age, count, printPage, type TableView } from '../output/index.js';

export interface AuditOptions extends ListOptions, Pick<AuditQuery, 'by' | 'action' | 'target'> {}

/** Prints what operators have changed, the newest first. */
export function listAudit({ json, ...query }: AuditOptions): Promise<void> {
  return withStore(async (store) => printPage(await new Audit(store.database).list(query), json, view));
}

const view: TableView<AuditRow> = {
  columns: [
    { title: 'ago', align: 'right', cell: ({ at }) => age(at) },
    { title: 'by', align: 'left', least: 6, cell: ({ by }) => by },
    { title: 'via', align: 'left', optional: 1, cell: ({ via }) => via },
    { title: 'action', align: 'left', cell: ({ action }) => action },
    { title: 'rows', align: 'right', cell: ({ rows }) => count(rows) },
    { title: 'target', align: 'left', least: 12, cell: ({ target }) => target },
    { title: 'reason', align: 'left', least: 8, optional: 2, cell: ({ reason = '' }) => reason },
  ],
  none: 'nothing was changed yet',
};
