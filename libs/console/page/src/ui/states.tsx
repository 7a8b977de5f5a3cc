/**
 * What a view shows in place of data:
 *
 *     <Pending of={asked} />                            // skeleton while loading, the error with "try again"
 *     <Empty title="No dead letters">Every message was handled.</Empty>
 *     <More of={pages} />                               // "show more", below a table
 */
import type { ComponentChildren } from 'preact';
import { ApiError, isPassing } from '../api/client.js';
import type { Asked, Pages } from '../api/use.js';
import { Button } from './basics.js';

type Loading = Pick<Asked<unknown>, 'error' | 'loading' | 'reload'>;

export function Pending({ of: { error, reload } }: { readonly of: Loading }) {
  if (error) return <Fault error={error} retry={reload} />;
  return (
    <div class="skeleton" role="status" aria-label="loading">
      <span />
      <span />
      <span />
    </div>
  );
}

export const Fault = ({ error, retry }: { readonly error: Error; readonly retry?: () => void }) => (
  <div class="empty fault" role="alert">
    <h2>{titleOf(error)}</h2>
    <p>{error.message}</p>
    {isPassing(error) && <p>This page goes on trying.</p>}
    {retry && (
      <Button icon="retry" onClick={retry}>
        Try again
      </Button>
    )}
  </div>
);

const titles: Readonly<Record<number, string>> = {
  403: 'Your role does not allow this',
  404: 'There is no such thing here',
};

const titleOf = (error: Error): string =>
  (error instanceof ApiError ? titles[error.status] : undefined) ?? 'That did not work';

export interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly action?: ComponentChildren;
}

export const Empty = ({ title, children, action }: EmptyProps) => (
  <div class="empty">
    <h2>{title}</h2>
    {children && <p>{children}</p>}
    {action}
  </div>
);

export function More({ of: { items, hasMore, loading, error, more } }: { readonly of: Pages<unknown> }) {
  if (!items) return null;
  return (
    <div class="more">
      {error && <span class="status bad">{error.message}</span>}
      {hasMore && (
        <Button kind="quiet" icon="down" onClick={more} busy={loading}>
          Show more
        </Button>
      )}
    </div>
  );
}
