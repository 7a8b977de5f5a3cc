import type { Page, PageQuery } from '../views/page.js';
import type { LeaderRow } from '../views/system.js';
import type { FactReader } from './facts.js';
import { leaderRows } from './overview.js';
import { pageOf } from '../views/page-of.js';
import type { Roster } from './roster.js';

/** Which agent leads which group. */
export class LeaderList {
  constructor(
    private readonly roster: Roster,
    private readonly facts: FactReader,
  ) {}

  /** By group. Rejects as `Database.ownQuery` does. */
  async list(query: PageQuery = {}): Promise<Page<LeaderRow>> {
    const [agents, leaderships] = await Promise.all([this.roster.read(), this.facts.leaderships()]);
    return pageOf(leaderRows(leaderships, agents), ({ group }) => group, query);
  }
}
