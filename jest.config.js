import { availableParallelism } from 'node:os'
import { join } from 'node:path'

// The processes and threads that the tests start find there what stripping types and compiling came to.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules', '.cache', 'compiled')

/**
 * What starts servers or processes for longer than a few seconds is named `*.slow.test.ts`, what is measured by the clock
 * `*.alone.test.ts`; each kind has a command of its own.
 */
const kind = { slow: '*.slow', alone: '*.alone' }[process.env.STEVEDORE_TESTS ?? ''] ?? '!(*.slow|*.alone)'

export default {
  testEnvironment: 'node',
  testMatch: [`<rootDir>/test/**/${kind}.test.ts`],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/crash/sweep'],
  // What `npm run build` made has a package.json of the same name.
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/strip_types.js' },
  testSequencer: '<rootDir>/test/longest_first.js',
  testTimeout: 30_000,
  // One more than there are cores, since many tests wait for a server or a clock; jest by itself leaves a core idle.
  maxWorkers: availableParallelism() + 1,
}
