import type { DynamicModule } from '@nestjs/common';
import { type Connections, sharedPool } from 'agentmq/database';
import { DataSource, EntityManager, type DataSourceOptions } from 'typeorm';

/** What the app's own `DataSource` has. Its tables are made of the entities, unless there are migrations. */
export type TestDataSourceOptions = Pick<
  DataSourceOptions,
  'entities' | 'subscribers' | 'migrations' | 'namingStrategy'
>;

/** The app's own `DataSource`, on the system's database. */
export async function testDataSource(options: TestDataSourceOptions, connections: Connections): Promise<DataSource> {
  const migrates = options.migrations !== undefined;
  return new DataSource({
    ...options,
    type: 'postgres',
    driver: sharedPool(await connections.open()),
    installExtensions: false,
    synchronize: !migrates,
    migrationsRun: migrates,
  }).initialize();
}

class TestDataSourceModule {}

/** Provides it as `TypeOrmModule.forRoot` does, to an app whose modules under test leave that to another one. */
export const dataSourceModule = (source: DataSource): DynamicModule => ({
  module: TestDataSourceModule,
  global: true,
  providers: [
    { provide: DataSource, useValue: source },
    { provide: EntityManager, useValue: source.manager },
  ],
  exports: [DataSource, EntityManager],
});
