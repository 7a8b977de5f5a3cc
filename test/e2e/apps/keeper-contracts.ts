import { Contract, type PayloadClass } from 'agentmq';
import { IsIn, IsString } from 'class-validator';

export const WAYS = ['take', 'again', 'refuse', 'split'] as const;
export type Way = (typeof WAYS)[number];

export interface Kept {
  text: string;
  way: Way;
}

export interface KeptContracts {
  readonly name: string;
  readonly Note: PayloadClass<Kept> & (new () => Kept);
  readonly Answer: PayloadClass<Kept> & (new () => Kept);
  readonly Job: PayloadClass<Kept>;
  readonly Piece: PayloadClass<Kept>;
  readonly Progress: PayloadClass<Kept>;
}

function contractsOf(name: string, sensitive: boolean): KeptContracts {
  const declare = (type: string): new () => Kept => {
    @Contract({ type: `${name}_${type}`, sensitive, retry: { attempts: 2, delay: 10 } })
    class Declared implements Kept {
      @IsString()
      text!: string;

      @IsIn(WAYS)
      way!: Way;
    }
    return Declared;
  };
  return {
    name,
    Note: declare('note'),
    Answer: declare('answer'),
    Job: declare('job'),
    Piece: declare('piece'),
    Progress: declare('progress'),
  };
}

/** Contracts that are marked sensitive, and the same ones that are not. */
export const sealed = contractsOf('sealed', true);
export const clear = contractsOf('clear', false);
