/**
 * The frame of each view: its title (also the tab's), a line on what it shows, and what can be done.
 *
 *     <View title="Agents" lead="…" actions={<Button …/>} back={['Agents', href('/agents')]}>…</View>
 *
 * On entering a view focus goes to its title, so that the keyboard and a screen reader begin there.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.js';
import { Outdated } from './outdated.js';

export interface ViewProps {
  readonly title: string;
  /** Shown in place of the title, which stays the tab's. */
  readonly heading?: ComponentChildren;
  readonly lead?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly back?: readonly [label: string, href: string];
  readonly children: ComponentChildren;
}

let entered = false;

export function View({ title, heading, lead, actions, back, children }: ViewProps) {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · AgentMQ`;
  }, [title]);
  useEffect(() => {
    // not at the first one: the browser has its own place to begin then
    if (entered) element.current?.focus({ preventScroll: true });
    if (entered) scrollTo(0, 0);
    entered = true;
  }, []);
  return (
    <article class="view">
      <header class="head">
        {back && (
          <a class="back" href={back[1]}>
            <Icon name="back" />
            {back[0]}
          </a>
        )}
        <div class="line">
          <h1 ref={element} tabIndex={-1}>
            {heading ?? title}
          </h1>
          {actions && <div class="actions">{actions}</div>}
        </div>
        {lead && <p class="lead">{lead}</p>}
      </header>
      <Outdated />
      {children}
    </article>
  );
}
