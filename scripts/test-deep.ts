import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/**
 * `npm run test:deep [-- --runs 10000] [--seed n]`: two-way sync over random edits, many more than each run of the tests takes.
 * A failure prints the edits, and the seed that plays them again.
 */
const { values } = parseArgs({ options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string' } } })
const { status } = spawnSync('npm', ['run', 'jest', '--', '--maxWorkers=1', 'test/transfer/sync.property.test.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    STEVEDORE_SYNC_CASES: values.runs,
    ...(values.seed === undefined ? {} : { STEVEDORE_SEED: values.seed }),
  },
})
process.exitCode = status ?? 1
