import { AsyncLocalStorage } from 'node:async_hooks';
import pLimit, { type LimitFunction } from 'p-limit';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { DataSourceError } from '../errors.js';

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** In which transaction of each app's `DataSource` the code is that runs now. */
const sources = new WeakMap<DataSource, () => QueryRunner | undefined>();
const patched = new WeakSet<object>();

/** A transaction inside of the joined one, and the turn in which those inside of it run. */
interface Level {
  readonly runner: QueryRunner;
  readonly turn: LimitFunction;
}

const levels = new AsyncLocalStorage<Level>();
const outermost = new WeakMap<QueryRunner, LimitFunction>();

/** A repository that is made in a transaction is kept and used outside of it as well: it must not hold on to that one. */
let isMakingRepository = false;

const joined = (source: DataSource): QueryRunner | undefined =>
  isMakingRepository ? undefined : sources.get(source)?.();

/**
 * Makes what the app does with its `DataSource` part of the transaction that `current` tells, without it being passed:
 * by injected repositories, custom ones, `dataSource.manager`, and the `DataSource` itself. A manager that has a query runner
 * of its own keeps that. The classes are changed, not the objects: an app may have made its managers before, and libraries
 * put methods of their own on the objects, which call those of the class. Other data sources are left as they were.
 */
export function joinRepositories(source: DataSource, current: () => QueryRunner | undefined): void {
  sources.set(source, current);
  changeManagers(ownerOf(source.createEntityManager(), 'getRepository'));
  changeSources(ownerOf(source, 'createQueryRunner'));
  if (Object.hasOwn(source.createEntityManager(), 'queryRunner'))
    throw new DataSourceError('is of a version of TypeORM whose repositories can not join a transaction');
}

function changeManagers(managers: Record<string, Method>): void {
  if (isPatched(managers)) return;
  Object.defineProperty(managers, 'queryRunner', {
    configurable: true,
    get(this: EntityManager): QueryRunner | undefined {
      return joined(this.dataSource);
    },
    set(this: EntityManager, value: QueryRunner | undefined) {
      if (value) Object.defineProperty(this, 'queryRunner', { value, configurable: true, enumerable: true });
    },
  });
  for (const name of ['getRepository', 'getTreeRepository']) {
    change(managers, name, (original) => {
      return function (...given) {
        isMakingRepository = true;
        try {
          return Reflect.apply(original, this, given);
        } finally {
          isMakingRepository = false;
        }
      };
    });
  }
  change(managers, 'transaction', (original) => {
    return function (...given) {
      const runner = (this as EntityManager).queryRunner;
      const begin = (): unknown => Reflect.apply(original, this, given);
      return runner && runner === joined((this as EntityManager).dataSource) ? inTurn(runner, begin) : begin();
    };
  });
}

/** Savepoints of one connection have to follow each other: TypeORM names them by their depth, and a rollback takes later ones with it. */
function inTurn(runner: QueryRunner, begin: () => unknown): Promise<unknown> {
  const level = levels.getStore();
  const turn = level?.runner === runner ? level.turn : (outermost.get(runner) ?? pLimit(1));
  if (level?.runner !== runner) outermost.set(runner, turn);
  return turn(() => levels.run({ runner, turn: pLimit(1) }, begin));
}

function changeSources(dataSources: Record<string, Method>): void {
  if (isPatched(dataSources)) return;
  change(dataSources, 'query', (original) => {
    return function (sql, parameters, runner) {
      return Reflect.apply(original, this, [sql, parameters, runner ?? joined(this as DataSource)]);
    };
  });
  change(dataSources, 'createQueryBuilder', (original) => {
    return function (entityOrRunner, alias, runner) {
      const given =
        alias === undefined
          ? [entityOrRunner ?? joined(this as DataSource)]
          : [entityOrRunner, alias, runner ?? joined(this as DataSource)];
      return Reflect.apply(original, this, given);
    };
  });
}

function change(of: Record<string, Method>, name: string, make: (original: Method) => Method): void {
  const original = of[name];
  if (original) of[name] = make(original);
}

function isPatched(prototype: object): boolean {
  if (patched.has(prototype)) return true;
  patched.add(prototype);
  return false;
}

/** The class that has the method, of the copy of TypeORM that the app uses. */
function ownerOf(object: object, method: string): Record<string, Method> {
  let prototype: unknown = Object.getPrototypeOf(object);
  while (prototype && !Object.hasOwn(prototype, method)) prototype = Object.getPrototypeOf(prototype);
  if (!prototype) throw new DataSourceError(`is of a version of TypeORM without ${method}`);
  return prototype as Record<string, Method>;
}
