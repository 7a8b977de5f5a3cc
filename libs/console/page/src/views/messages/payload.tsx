/** A payload as JSON, coloured, and cut where it is long. */
import { useState } from 'preact/hooks';
import { Button } from '../../ui/basics.js';
import { Code } from '../../ui/basics.js';
import { plural } from '../../ui/format.js';
import { tokensOf } from './json-tokens.js';

const LINES = 60;

export function Json({ value, label }: { readonly value: unknown; readonly label: string }) {
  const [all, setAll] = useState(false);
  const lines = (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '')).split('\n');
  const shown = all ? lines : lines.slice(0, LINES);
  return (
    <>
      <Code label={label}>
        {typeof value === 'string'
          ? shown.join('\n')
          : tokensOf(shown.join('\n')).map(({ kind, text }, index) =>
              kind === 'other' ? (
                text
              ) : (
                <span key={index} class={`json-${kind}`}>
                  {text}
                </span>
              ),
            )}
      </Code>
      {shown.length < lines.length && (
        <Button kind="quiet" icon="down" onClick={() => setAll(true)}>
          {plural(lines.length - shown.length, 'more line')}
        </Button>
      )}
    </>
  );
}
