import { type ArgumentMetadata, BadRequestException, type PipeTransform } from '@nestjs/common';
import { ContractViolationError, type PayloadClass, validateAs } from 'agentmq/protocol';

/**
 * Makes what a request brings an instance of the class that its handler declares, and refuses what that does not have: as
 * Nest's ValidationPipe does, which takes 10 s for a body of 100,000 keys.
 */
export class RequestPipe implements PipeTransform<unknown, unknown> {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || metatype === undefined) return value;
    try {
      return validateAs(metatype as PayloadClass, value ?? {});
    } catch (error) {
      if (!(error instanceof ContractViolationError)) throw error;
      throw new BadRequestException(error.violations.map(({ message }) => message));
    }
  }
}
