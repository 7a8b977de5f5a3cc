import type { ValidationArguments } from 'class-validator';
import { shortened } from '../bounds.js';
import { LONGEST_TEXT } from './limits.js';
import type { Rule } from './shape.js';

/** The message of a broken rule, with class-validator's tokens (`$property`, `$value`, `$constraint1`, …) filled in. */
export function messageOf(
  { name, metadata, constraint }: Pick<Rule, 'name' | 'metadata'> & Partial<Rule>,
  args: ValidationArguments,
): string {
  const { message } = metadata;
  const given = typeof message === 'function' ? message(args) : message || constraint?.defaultMessage?.(args);
  return (given || `${args.property} breaks the rule ${name}`).replaceAll(
    /\$(?:constraint(\d+)|value|property|target)/g,
    (token, place: string | undefined) => replacementOf(token, place, args) ?? token,
  );
}

function replacementOf(token: string, place: string | undefined, args: ValidationArguments): string | undefined {
  if (place !== undefined) return textOf((args.constraints as unknown[] | undefined)?.[Number(place) - 1]);
  if (token === '$property') return args.property;
  if (token === '$target') return args.targetName;
  return ['string', 'number', 'boolean'].includes(typeof args.value)
    ? shortened(String(args.value), LONGEST_TEXT / 2)
    : undefined;
}

function textOf(constraint: unknown): string {
  if (Array.isArray(constraint)) return constraint.join(', ');
  return typeof constraint === 'symbol' ? (constraint.description ?? '') : String(constraint);
}
