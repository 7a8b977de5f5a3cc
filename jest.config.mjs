/** Tests run the TypeScript sources as ES modules: the `source` export condition points at them. */
export default {
  roots: ['<rootDir>/apps', '<rootDir>/examples', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  setupFiles: ['reflect-metadata'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  collectCoverageFrom: ['apps/*/src/**/*.ts', 'libs/**/*.ts', '!**/*.spec.ts'],
  testTimeout: 30_000,
  // with more, PostgreSQL's 100 connections run out: specs of several apps meet
  maxWorkers: 2,
  testSequencer: '<rootDir>/tools/slow-first.mjs',
  randomize: false,
};
