import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { visible, visibleJson, visibleLines } from 'agentmq/protocol';

/**
 * Nest's console logger, in which text from outside (types, ids, what errors say) forges no line and moves no cursor: a message is
 * one line, and the lines of a stack are indented.
 */
export class AgentLogger extends ConsoleLogger {
  /** Without colours: an escape sequence that a value brings could not be told from one of Node's own. */
  protected override getInspectOptions(): ReturnType<ConsoleLogger['getInspectOptions']> {
    return { ...super.getInspectOptions(), colors: false };
  }

  protected override stringifyMessage(message: unknown, level: LogLevel): string {
    const text = this.resolveMessage(message);
    if (typeof text === 'string') return super.stringifyMessage(visible(text), level);
    return visibleLines(super.stringifyMessage(text, level));
  }

  protected override formatContext(context: string): string {
    return super.formatContext(visible(context));
  }

  protected override stringifyParams(params: Record<string, unknown>): string {
    return visible(super.stringifyParams(params));
  }

  protected override printStackTrace(stack: string): void {
    if (stack) super.printStackTrace(visibleLines(`\n${stack}`).slice(1));
  }

  protected override stringifyJsonLogObject(record: Record<string, unknown>): string {
    return visibleJson(super.stringifyJsonLogObject(record));
  }
}
