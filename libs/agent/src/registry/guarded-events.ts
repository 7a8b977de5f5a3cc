import { Observable, type Observer, type Operator, Subscriber, type Subscription, type TeardownLogic } from 'rxjs';

/**
 * Events whose observers can't do harm: what one throws goes to `report`, and it goes on hearing of the next. Rx itself
 * would throw it again outside of everything, which ends the process.
 */
export class GuardedEvents<T> extends Observable<T> {
  constructor(
    subscribe: (subscriber: Subscriber<T>) => TeardownLogic,
    private readonly report: (error: unknown) => void,
  ) {
    super(subscribe);
  }

  /** What is derived by `pipe` is guarded likewise. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    return new GuardedEvents<R>((subscriber) => operator?.call(subscriber, this), this.report);
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    onError?: ((error: unknown) => void) | null,
    onComplete?: (() => void) | null,
  ): Subscription {
    // Operators, and helpers of Rx that wait for a value, bring what they have made themselves.
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const { next, error, complete } =
      typeof observerOrNext === 'object' && observerOrNext !== null
        ? boundTo(observerOrNext)
        : { next: observerOrNext, error: onError, complete: onComplete };
    return super.subscribe({
      next: (value) => this.guard(() => next?.(value)),
      error: (failure) => this.guard(() => (error ? error(failure) : this.report(failure))),
      complete: () => this.guard(() => complete?.()),
    });
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.report(error);
    }
  }
}

const boundTo = <T>(observer: Partial<Observer<T>>): Partial<Observer<T>> => ({
  ...(observer.next ? { next: (value) => observer.next?.(value) } : {}),
  ...(observer.error ? { error: (error) => observer.error?.(error) } : {}),
  ...(observer.complete ? { complete: () => observer.complete?.() } : {}),
});
