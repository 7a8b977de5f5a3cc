/**
 * Small parts:
 *
 *     <Button kind="primary" icon="retry" onClick={…} needs="operator">Requeue</Button>   // hidden without the role
 *     <Status kind="bad">dead</Status>                 // a dot and a word: good | warn | bad | busy | idle
 *     <Tag>order@2</Tag>                               // a quiet label
 *     <Id value={row.id} to={href(…)} />               // monospaced, its middle left out, with a button that copies it
 *     <Card title="Leaders" action={<a …/>}>…</Card>
 *     <Facts of={[['Sender', row.sender], …]} />       // names and values; undefined values are left out
 *     <Stat label="Backlog" value="1,204" note="…" kind="warn" to={href(…)} />
 *     <Code>{text}</Code>
 *     <Meter value={0.4} label="Load" />
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Role } from '../api/types.js';
import { can } from '../state/session.js';
import { shortId } from './format.js';
import { Icon, type IconName } from './icon.js';

export interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: () => void;
  readonly kind?: 'primary' | 'danger' | 'plain' | 'quiet';
  readonly type?: 'button' | 'submit';
  readonly icon?: IconName;
  readonly disabled?: boolean;
  readonly busy?: boolean;
  /** Not shown to those who lack it. */
  readonly needs?: Role;
  readonly label?: string;
}

export function Button({
  children,
  kind = 'plain',
  type = 'button',
  icon,
  busy,
  disabled,
  needs,
  label,
  onClick,
}: ButtonProps) {
  if (needs && !can(needs)) return null;
  return (
    <button
      type={type}
      class={`button ${kind}`}
      disabled={disabled === true || busy === true}
      aria-busy={busy}
      aria-label={label}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export type Kind = 'good' | 'warn' | 'bad' | 'busy' | 'idle';

export const Status = ({ kind, children }: { readonly kind: Kind; readonly children: ComponentChildren }) => (
  <span class={`status ${kind}`}>{children}</span>
);

export const Tag = ({ children, kind }: { readonly children: ComponentChildren; readonly kind?: Kind }) => (
  <span class={`tag ${kind ?? ''}`}>{children}</span>
);

export function Id({
  value,
  to,
  whole = false,
}: {
  readonly value: string;
  readonly to?: string;
  readonly whole?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard.writeText(value).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1_500);
      },
      () => undefined,
    );
  };
  const text = whole ? value : shortId(value);
  return (
    <span class="id">
      {to ? (
        <a href={to} title={value}>
          {text}
        </a>
      ) : (
        <span title={value}>{text}</span>
      )}
      <button type="button" class="copy" onClick={copy} aria-label={copied ? 'copied' : `copy ${value}`}>
        <Icon name={copied ? 'check' : 'copy'} />
      </button>
    </span>
  );
}

export interface CardProps {
  readonly title?: ComponentChildren;
  readonly action?: ComponentChildren;
  readonly children: ComponentChildren;
  /** Without padding, for a table. */
  readonly flush?: boolean;
}

export const Card = ({ title, action, children, flush = false }: CardProps) => (
  <section class={`card ${flush ? 'flush' : ''}`}>
    {(title ?? action) && (
      <header>
        <h2>{title}</h2>
        {action}
      </header>
    )}
    {children}
  </section>
);

export const Facts = ({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) => (
  <dl class="facts">
    {of
      .filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false)
      .map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
);

export interface StatProps {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly unit?: string;
  readonly note?: ComponentChildren;
  readonly kind?: Kind;
  readonly to?: string;
}

export function Stat({ label, value, unit, note, kind, to }: StatProps) {
  const parts = (
    <>
      <span class="label">{label}</span>
      <span class="value">
        {value}
        {unit && <small>{unit}</small>}
      </span>
      {note && <span class="note">{note}</span>}
    </>
  );
  const name = `stat ${kind ?? ''}`;
  return to ? (
    <a class={name} href={to}>
      {parts}
    </a>
  ) : (
    <div class={name}>{parts}</div>
  );
}

export const Code = ({
  children,
  label = 'Text',
}: {
  readonly children: ComponentChildren;
  readonly label?: string;
}) => (
  <pre class="code" tabIndex={0} role="region" aria-label={label}>
    <code>{children}</code>
  </pre>
);

/** 0 to 1. */
export const Meter = ({ value, label }: { readonly value: number; readonly label: string }) => (
  <span class="meter">
    <span
      class="bar"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(value * 100)}
    >
      <span class={value > 0.9 ? 'full' : ''} style={{ width: `${Math.max(0, Math.min(1, value)) * 100}%` }} />
    </span>
    <span class="figure">{Math.round(value * 100)}%</span>
  </span>
);
