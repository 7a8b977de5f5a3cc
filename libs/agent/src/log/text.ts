import { visible, visibleLines } from 'agentmq/protocol';
import { prettyFactory } from 'pino-pretty';

/** Shown in the line, below it, or in JSON only. */
const NOT_LISTED = 'pid,context,stack,agentId,messageId,traceId,spanId';

/** Makes lines of text, by pino-pretty, of lines of JSON. No value has what a terminal obeys. */
export function textOf(colorize: boolean): (json: string) => string {
  const pretty = prettyFactory({
    colorize,
    messageKey: 'message',
    timestampKey: 'time',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: NOT_LISTED,
    singleLine: true,
    customLevels: { verbose: 10, debug: 20, log: 30, warn: 40, error: 50, fatal: 60 },
    customColors: { verbose: 'gray', debug: 'blue', log: 'green', warn: 'yellow', error: 'red', fatal: 'bgRed' },
    useOnlyCustomProps: true,
    messageFormat: ({ context, message, messageId }, _key, _label, { colors }) =>
      [
        typeof context === 'string' ? colors.yellow(`[${context}]`) : undefined,
        typeof message === 'string' ? message : undefined,
        typeof messageId === 'string' ? colors.gray(`(${messageId})`) : undefined,
      ]
        .filter((part) => part !== undefined)
        .join(' '),
  });
  return (json) => {
    const { stack, ...record } = JSON.parse(json) as { readonly stack?: string };
    const line = pretty(shown(record));
    return stack === undefined ? line : `${line}${visibleLines(`\n${stack}`).slice(1)}\n`;
  };
}

/** All texts as they may be shown, keys included. */
function shown(value: unknown): unknown {
  if (typeof value === 'string') return visible(value);
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [visible(key), shown(each)]));
}
