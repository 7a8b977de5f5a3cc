import type { Member } from './member.js';

/** Since when all that are up follow one leader. */
export class Agreement {
  /** In virtual time; undefined: they don't. */
  since: number | undefined;

  constructor(private readonly members: readonly Member[]) {}

  /** To be called whenever someone may have changed its mind. */
  look(now: number): void {
    if (!this.holds()) this.since = undefined;
    else this.since ??= now;
  }

  private holds(): boolean {
    const leader = this.members.find(({ machine }) => machine?.role === 'leader');
    if (!leader) return false;
    return this.members.every(
      ({ machine }) => !machine || (machine.leaderId === leader.id && machine.term === leader.machine?.term),
    );
  }
}
