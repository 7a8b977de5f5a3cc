/**
 * Which way imports run: time <- protocol <- broker, database <- message-store <- messaging <- agent <- coordination <- operations
 * <- console, testing, examples <- apps. `telemetry` imports only protocol and time; `http` these and settings; contracts only protocol, and no other library imports it. Rooms are entered
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
  agent: ['time', 'protocol', 'settings', 'telemetry', 'http', 'broker', 'database', 'message-store', 'messaging'],
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
  http: ['time', 'protocol', 'settings', 'telemetry'],
  testing: [
    'time',
    'protocol',
    'settings',
    'telemetry',
    'broker',
    'database',
    'message-store',
    'messaging',
    'agent',
    'coordination',
  ],
};

rooms.operations = [...rooms.coordination, 'coordination'];
rooms.console = [...rooms.operations, 'operations', 'http'];

const direction = Object.entries(rooms).map(([room, allowed]) => ({
  name: `${room}-imports`,
  comment: `libs/${room} may import of ours only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^libs/${room}/` },
  to: {
    path: '^(libs|apps|examples|migrations|test)/',
    pathNot: [
      ...[room, ...allowed].map((name) => `^libs/${name}/`),
      ...(room === 'database' || room === 'testing' ? ['^migrations/'] : []),
      // specs may use the test harness
      '^test/support/',
    ],
  },
}));

/**
 * The folders of libs/coordination, and which of each other they may import: election <- coordinators, distribution <- tasks <-
 * delegation, pipelines, scaling. `tasks` and `distribution` stand for the files that are in them, not for the folders in them.
 * Modules, which put the parts together, are outside of them: they may import all, and no folder imports a module.
 */
const inDistribution = ['distribution', 'distribution/balancing', 'distribution/routing', 'distribution/breaker'];
const folders = {
  election: [],
  coordinators: ['election'],
  consensus: [],
  'distribution/balancing': [],
  'distribution/routing': [],
  'distribution/breaker': [],
  distribution: inDistribution,
  tasks: inDistribution,
  'tasks/store': [...inDistribution, 'tasks'],
  'tasks/client': [...inDistribution, 'tasks', 'tasks/store'],
  'tasks/worker': ['tasks', 'tasks/store'],
  'tasks/dispatcher': [...inDistribution, 'tasks', 'tasks/store', 'election', 'coordinators'],
  delegation: ['distribution', 'tasks', 'tasks/store', 'tasks/client', 'tasks/worker'],
  pipelines: [...inDistribution, 'tasks', 'tasks/store', 'tasks/client'],
  scaling: [...inDistribution, 'tasks', 'tasks/client', 'election', 'coordinators'],
};

const COORDINATION = 'libs/coordination/src';
const filesOf = (folder) => {
  const hasFolders = Object.keys(folders).some((other) => other.startsWith(`${folder}/`));
  return `^${COORDINATION}/${folder}/${hasFolders ? '[^/]+$' : ''}`;
};

const withinCoordination = Object.entries(folders).map(([folder, allowed]) => ({
  name: `coordination-${folder.replace('/', '-')}-imports`,
  comment: `${COORDINATION}/${folder} may import of its room only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: filesOf(folder), pathNot: '\\.spec\\.ts$' },
  to: { path: `^${COORDINATION}/`, pathNot: [folder, ...allowed].map(filesOf) },
}));

module.exports = {
  forbidden: [
    ...direction,
    ...withinCoordination,
    {
      name: 'coordination-folders-are-listed',
      comment: `a folder of ${COORDINATION} has its line in the table of folders`,
      severity: 'error',
      from: { path: `^${COORDINATION}/[^/]+/`, pathNot: Object.keys(folders).map(filesOf) },
      to: {},
    },
    {
      name: 'face-of-the-package',
      comment: 'libs/index.ts is what app authors import; no library does',
      severity: 'error',
      from: { path: '^libs/[^/]+/' },
      to: { path: '^libs/index\\.ts$' },
    },
    {
      name: 'no-deep-imports',
      comment: "a room's index.ts is its whole public surface",
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: {
        path: '^(libs|apps|examples)/',
        pathNot: ['^$1/$2/', '^(libs|apps)/[^/]+/src/index\\.ts$', '^(libs|examples)/index\\.ts$'],
      },
    },
    {
      name: 'no-deep-imports-from-tests',
      comment: 'tests enter a room through its index too',
      severity: 'error',
      // the processes of test/trees are made of parts of coordination that no app sees; one of test/e2e is the command line
      from: {
        path: '^(test|migrations|examples)/',
        pathNot: '^test/(trees/(process|world)|e2e/apps/command-lines)\\.ts$',
      },
      to: { path: '^(libs|apps)/', pathNot: '^((libs|apps)/[^/]+/src|libs|libs/testing/src/conformance)/index\\.ts$' },
    },
    {
      name: 'amqplib-only-in-broker',
      severity: 'error',
      from: { path: '^(libs|apps|examples|migrations)/', pathNot: '^libs/broker/' },
      to: { path: 'node_modules/amqplib' },
    },
    {
      name: 'redis-client-only-in-its-adapter',
      severity: 'error',
      from: { path: '^(libs|apps|examples|migrations)/', pathNot: '^libs/broker/src/redis/' },
      to: { path: 'node_modules/@redis/' },
    },
    {
      name: 'postgres-only-in-database-message-store-and-testing',
      severity: 'error',
      from: { path: '^(libs|apps|examples)/', pathNot: '^libs/(database|message-store|testing)/' },
      to: { path: 'node_modules/(typeorm|pg|typeorm-pglite|@electric-sql)/' },
    },
    {
      name: 'production-code-imports-no-test',
      severity: 'error',
      from: { path: '^(libs|apps|examples|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^test/|\\.spec\\.ts$' },
    },
    {
      name: 'examples-import-no-app',
      comment: 'the command line loads the examples',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(apps|migrations)/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared-dependencies',
      severity: 'error',
      // what only tests need, their author installs: agentmq/testing says so; the page has what it needs bundled in
      from: { path: '^(libs|apps|examples|migrations)/', pathNot: '\\.spec\\.ts$|^libs/testing/|^libs/console/page/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // a package of its own, which only the bench installs; and what `nest generate app` writes for a runner that is not installed
    exclude: { path: ['^test/bench/peers/', '\\.e2e-spec\\.ts$'] },
    tsConfig: { fileName: 'tsconfig.base.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
