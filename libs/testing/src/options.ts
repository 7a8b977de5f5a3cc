import type { HttpServer, INestApplication, LoggerService, LogLevel, ModuleMetadata } from '@nestjs/common';
import type { TestingModuleBuilder } from '@nestjs/testing';
import type { AgentModuleOptions, AgentSettingsOptions } from 'agentmq/agent';
import type { TestDataSourceOptions } from './test-data-source.js';

export interface TestHttpOptions {
  /** Express, unless given. */
  readonly adapter?: HttpServer;
  /** Called before the app starts, for what its `main` does: pipes, a global prefix, … */
  readonly nest?: (app: INestApplication) => unknown;
}

/** One app of a system: what its Nest module declares, and what the test puts in place of it. */
export interface TestAppOptions extends Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'> {
  /** The agent's id. One is made up unless given. */
  readonly id?: string;
  /** Puts stand-ins in the place of providers, guards, modules, …, as Nest's own testing module does. */
  readonly override?: (module: TestingModuleBuilder) => unknown;
  /** Where the app's settings are to differ from the defaults, times in ms. The environment and configuration files are not read. */
  readonly settings?: AgentSettingsOptions;
  /** Given, and be it `{}`, the app serves HTTP too: {@link TestApp.http}. */
  readonly http?: TestHttpOptions;
  /**
   * The app's own TypeORM `DataSource`, on the system's database: transactional handlers run on it, and injected repositories
   * join them. It takes the place of that of `TypeOrmModule.forRoot`, which may be left out.
   */
  readonly dataSource?: TestDataSourceOptions;
  /** What `AgentModule.forRoot` is given beside the settings, the bus and the store, which are the system's. */
  readonly agentmq?: Omit<AgentModuleOptions, 'settings' | 'hub' | 'store' | 'dataSource'>;
}

export interface TestSystemOptions extends TestAppOptions {
  /** More apps. What is given beside it is an app of its own. */
  readonly apps?: readonly TestAppOptions[];
  /**
   * Gives the process a clock that `advance` moves, until the system is closed: `Date`, `performance`, `setTimeout` and
   * `setInterval`, and with them the database's. It needs the package `@sinonjs/fake-timers`.
   */
  readonly clock?: boolean;
  /** Everything that is published is delivered twice, as a broker may after a broken connection. */
  readonly duplicates?: boolean;
  /** Where Nest and the apps log; only errors are shown unless given. */
  readonly logger?: LoggerService | LogLevel[] | false;
}
