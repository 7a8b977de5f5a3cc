import type { Member } from './member.js';
import { SLOWEST, STATEMENT_TIMEOUT } from './schedule.js';
import type { Timeline } from './timeline.js';
import type { Trouble } from './trouble.js';

/** Carries statements to the database, and their answers back. */
export class Statements {
  constructor(
    private readonly timeline: Timeline,
    private readonly trouble: Trouble,
  ) {}

  /**
   * `apply` runs at some time, or never; `answer` once within {@link STATEMENT_TIMEOUT}, with undefined if it failed or
   * is not known to have worked.
   */
  run<Result>(member: Member, apply: () => Result, answer: (result: Result | undefined) => void): void {
    const { timeline, trouble } = this;
    const { life, bit } = member;
    const fails = trouble.strikes('failing', bit);
    const applyAfter = 1 + timeline.random() * (trouble.strikes('slow', bit) ? SLOWEST : 10);
    let answerAfter = Math.min(applyAfter + 1 + timeline.random() * 10, STATEMENT_TIMEOUT);
    let result: Result | undefined;
    if (member.cut > 0) {
      // refused, or no answer at all
      if (timeline.random() < 0.5) answerAfter = STATEMENT_TIMEOUT;
    } else if (!fails || timeline.random() < 0.5) {
      timeline.after(applyAfter, () => {
        // Of what a dead process had under way, some never arrives.
        if (member.life === life || timeline.random() < 0.5) result = apply();
      });
    }
    timeline.after(answerAfter, () => answer(fails || member.cut > 0 ? undefined : result));
  }
}
