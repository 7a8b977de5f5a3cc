import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsInt, IsNumber, Max, Min } from 'class-validator';

/** A whole number from `min` to `max`. */
export const Whole = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Type(() => Number),
    IsInt(),
    Min(min),
    Max(max),
  );

/** A number from `min` to `max`, fractions allowed. */
export const Fraction = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Type(() => Number),
    IsNumber(),
    Min(min),
    Max(max),
  );
