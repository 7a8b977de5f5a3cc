/**
 * Which way imports run: time <- protocol <- broker, database <- message-store <- messaging <- agent <- coordination <- apps.
 * `telemetry` imports only protocol and time; contracts only protocol, and no other library imports it. Rooms are entered
 * through their index alone.
 */
const rooms = {
  time: [],
  protocol: ['time'],
  settings: ['protocol'],
  contracts: ['protocol'],
  telemetry: ['time', 'protocol'],
  broker: ['time', 'protocol', 'settings', 'telemetry'],
  database: ['time', 'protocol', 'settings'],
  'message-store': ['time', 'protocol', 'telemetry', 'database'],
  messaging: ['time', 'protocol', 'settings', 'telemetry', 'broker', 'database', 'message-store'],
  agent: ['time', 'protocol', 'settings', 'telemetry', 'broker', 'database', 'message-store', 'messaging'],
  coordination: [
    'time',
    'protocol',
    'settings',
    'telemetry',
    'broker',
    'database',
    'message-store',
    'messaging',
    'agent',
  ],
};

const direction = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `libs/${room} may import of ours only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^libs/${room}/` },
  to: {
    path: '^(libs|apps|migrations|test)/',
    pathNot: [
      ...[room, ...allowed].map((name) => `^libs/${name}/`),
      ...(room === 'database' ? ['^migrations/'] : []),
      // specs may use the test harness
      '^test/support/',
    ],
  },
}));

module.exports = {
  forbidden: [
    ...direction,
    {
      name: 'no-deep-imports',
      comment: "a room's index.ts is its whole public surface",
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: { path: '^(libs|apps)/([^/]+)/', pathNot: ['^$1/$2/', '^(libs|apps)/[^/]+/src/index\\.ts$'] },
    },
    {
      name: 'no-deep-imports-from-tests',
      comment: 'tests enter a room through its index too',
      severity: 'error',
      from: { path: '^(test|migrations)/' },
      to: { path: '^(libs|apps)/', pathNot: '^(libs|apps)/[^/]+/src/index\\.ts$' },
    },
    {
      name: 'amqplib-only-in-broker',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: '^libs/broker/' },
      to: { path: 'node_modules/amqplib' },
    },
    {
      name: 'redis-client-only-in-its-adapter',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: '^libs/broker/src/redis/' },
      to: { path: 'node_modules/@redis/' },
    },
    {
      name: 'postgres-only-in-database-and-message-store',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: '^libs/(database|message-store)/' },
      to: { path: 'node_modules/(typeorm|pg|typeorm-pglite|@electric-sql)/' },
    },
    {
      name: 'production-code-imports-no-test',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^test/|\\.spec\\.ts$' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared-dependencies',
      severity: 'error',
      from: { path: '^(libs|apps|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // a package of its own, which only the bench installs
    exclude: { path: '^test/bench/peers/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
