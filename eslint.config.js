import tseslint from 'typescript-eslint'

/** Folders of ours (platforms have theirs in `src/connector/`), and packages, that may be imported only by whom `may` says so. */
const rooms = [
  ...['job', 'policy', 'filter', 'map', 'schedule', 'connector', 'fs', 'vault', 'local', 'ledger', 'catalog', 'home'],
  ...['database', 'open_home', 'transfer', 'temporal', 'accept', 'report', 'client', 'api', 'serving', 'cli'],
  ...['workflows', 'activities', 'scripts', 'test'],
]
const temporalio = ['activity', 'client', 'common', 'envconfig', 'testing', 'worker', 'workflow'].map(
  (name) => `@temporalio/${name}`,
)
const config = '**/config.ts'
const others = [config, 'node:*', 'fastify', 'pino', 'commander', 'zod', ...temporalio]

/**
 * The arrows of the house (docs/architecture.md): what the files of a folder may import of the above, besides each other.
 * Where two of these meet in a file the later one holds.
 *
 * @param {string[]} files
 * @param {string[]} use
 * @param {string[]} types may be imported with `import type` alone
 * @param {object} rules
 */
function may(files, use, types = [], rules = {}) {
  const closed = [...rooms, ...others].filter((name) => !use.includes(name))
  const group = (/** @type {string[]} */ names) => names.map((name) => (rooms.includes(name) ? `**/${name}/**` : name))
  const patterns = [{ group: group(closed.filter((name) => !types.includes(name))), message: 'arrows run otherwise' }]
  if (types.length > 0) patterns.push({ group: group(types), message: 'import type only', allowTypeImports: true })
  return { files, rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }], ...rules } }
}

const pure = {
  'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setTimeout', 'performance'],
  'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'pass the time in' }],
}
const sandbox = {
  'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setInterval', 'performance', 'Temporal'],
}
const decisions = ['job', 'policy', 'filter', 'map', 'schedule']
const inBetween = ['accept', 'open_home', 'report', 'client']
const stored = ['ledger', 'catalog', 'home', 'database']

const arrows = [
  may(['src/*.ts', 'src/json/**', 'src/secret/**', 'src/database/**'], ['node:*']),
  may(['src/job/**'], ['schedule', 'zod']),
  may(['src/policy/**', 'src/filter/**', 'src/map/**', 'src/schedule/**'], [...decisions, 'connector'], [], pure),
  may(['src/connector/*.ts'], []),
  may(['src/connector/registry.ts'], ['fs', 'vault']),
  may(['src/connector/local/**', 'src/connector/fs/**'], ['local', 'node:*']),
  may(['src/connector/vault/**'], ['local', 'database', 'node:*']),
  may(['src/ledger/**'], ['policy', 'database', 'node:*'], ['connector', 'job']),
  may(['src/home/**'], ['database', config, 'node:*'], ['pino']),
  may(['src/catalog/**'], ['database', 'node:*'], ['home', 'ledger', 'schedule', 'workflows']),
  may(['src/open_home/**'], [...stored, 'node:*']),
  may(['src/report/**'], ['policy'], ['connector', 'ledger', 'catalog']),
  may(['src/accept/**'], [...decisions, 'connector'], ['catalog', 'report']),
  may(['src/transfer/**'], [...decisions, 'connector', 'local', ...stored, 'report', 'node:*'], ['workflows']),
  may(['src/temporal/**'], ['home', 'workflows', ...temporalio, 'node:*'], [config]),
  may(
    ['src/client/**'],
    [...decisions, 'connector', 'catalog', 'accept', 'temporal', 'workflows', ...temporalio, 'node:*'],
    ['ledger', 'open_home'],
  ),
  may(
    ['src/api/**'],
    [...decisions, ...inBetween, 'connector', 'ledger', 'fastify', 'node:*'],
    ['catalog', 'workflows'],
  ),
  may(
    ['src/serving/**'],
    ['home', 'temporal', 'client', 'api', 'transfer', 'workflows', 'activities', config, ...temporalio],
    ['catalog', 'open_home', 'fastify'],
  ),
  may(
    ['src/cli/**'],
    ['job', ...inBetween, 'ledger', 'transfer', 'api', 'serving', config, 'commander', 'node:*'],
    ['connector', 'catalog'],
  ),
  may(['activities/**'], ['policy', 'database', 'home', 'client', ...temporalio], ['transfer', 'catalog', 'workflows']),
  // The sandbox: what runs in it is pure, and types of the rest.
  may(
    ['workflows/**'],
    ['policy', 'report', 'schedule', '@temporalio/workflow', '@temporalio/common'],
    ['activities'],
    sandbox,
  ),
]

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'coverage/'] },
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true } },
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-params': ['error', 5],
      eqeqeq: 'error',
    },
  },
  ...arrows,
)
