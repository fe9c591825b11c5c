/**
 * The arrows of the house: what the files of a folder may import. `eslint.config.js` holds them; the table in
 * docs/architecture.md is made from them (`node scripts/arrows-table.ts`).
 */

/** Folders of ours (platforms have theirs in `src/connector/`) that may be imported only by whom an arrow says so. */
export const rooms = [
  ...[
    'job',
    'policy',
    'filter',
    'map',
    'schedule',
    'connector',
    'fs',
    'vault',
    's3',
    'sftp',
    'http',
    'webdav',
    'owncloud',
    'local',
    'ledger',
    'catalog',
    'home',
  ],
  ...['database', 'open_home', 'transfer', 'temporal', 'intake', 'report', 'client', 'api', 'runtime', 'cli'],
  ...['workflows', 'activities', 'scripts', 'test'],
]
const temporalio = ['activity', 'client', 'common', 'envconfig', 'testing', 'worker', 'workflow'].map(
  (name) => `@temporalio/${name}`,
)
const config = '**/config.ts'
/** What remote platforms are reached with. */
const web = [
  'undici',
  '@smithy/signature-v4',
  '@smithy/core',
  '@aws-sdk/credential-provider-node',
  'fast-xml-parser',
  'saxes',
  'mime',
]

/** All that may be imported only by whom an arrow says so: rooms, our configuration, and packages. */
export const names = [...rooms, config, 'node:*', 'fastify', 'pino', 'commander', 'zod', 'ssh2', ...temporalio, ...web]

/**
 * @typedef {object} Arrow
 * @property {string[]} files whose imports these are
 * @property {string} holds what is in them, for people
 * @property {string[]} use of `names`, what they may import besides each other
 * @property {string[]} [types] may be imported with `import type` alone
 * @property {object} [rules] of eslint, besides
 */

const pure = {
  'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setTimeout', 'performance'],
  'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'pass the time in' }],
}
const sandbox = {
  'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setInterval', 'performance', 'Temporal'],
}
const decisions = ['job', 'policy', 'filter', 'map', 'schedule']
const inBetween = ['intake', 'open_home', 'report', 'client']
const stored = ['ledger', 'catalog', 'home', 'database']

/** @type {Arrow[]} */
export const arrows = [
  {
    files: ['src/*.ts', 'src/json/**', 'src/secret/**', 'src/database/**'],
    holds: 'shared: the environment, problems, JSON without loss, what is a secret; SQLite files',
    use: ['node:*'],
  },
  {
    files: ['src/job/**'],
    holds: 'the document: schema, defaults, what is not carried out yet',
    use: ['schedule', 'zod'],
  },
  {
    files: ['src/policy/**', 'src/filter/**', 'src/map/**', 'src/schedule/**'],
    holds: 'decisions: pure, no clock',
    use: [...decisions, 'connector'],
    rules: pure,
  },
  { files: ['src/connector/*.ts'], holds: 'the contract every platform lives by', use: [] },
  {
    files: ['src/connector/registry.ts'],
    holds: 'the platforms there are',
    use: ['fs', 'vault', 's3', 'sftp', 'webdav', 'owncloud'],
  },
  {
    files: ['src/connector/local/**', 'src/connector/fs/**'],
    holds: 'what platforms on this machine’s file systems share; files and folders',
    use: ['local', 'node:*'],
  },
  {
    files: ['src/connector/vault/**'],
    holds: 'a document store in a folder',
    use: ['local', 'database', 'node:*'],
  },
  {
    files: ['src/connector/http/**'],
    holds: 'what platforms reached over HTTP share',
    use: ['undici', 'node:*'],
  },
  {
    files: ['src/connector/s3/**'],
    holds: 'objects of a bucket, over HTTP',
    use: ['http', ...web.filter((name) => name !== 'saxes'), 'node:*'],
  },
  {
    files: ['src/connector/webdav/**'],
    holds: 'a collection of a WebDAV server, or a Subversion repository',
    use: ['http', 'local', 'undici', 'saxes', 'mime', 'node:*'],
  },
  {
    files: ['src/connector/owncloud/**'],
    holds: 'a space of ownCloud, by the client of `webdav`',
    use: ['local', 'http', 'webdav', 'node:*'],
  },
  {
    files: ['src/connector/sftp/**'],
    holds: 'a folder on an SFTP server, in the words of `fs`',
    use: ['fs', 'local', 'ssh2', 'node:*'],
  },
  {
    files: ['src/ledger/**'],
    holds: 'the tracking store: contract, wire between threads, SQLite',
    use: ['policy', 'database', 'node:*'],
    types: ['connector', 'job'],
  },
  {
    files: ['src/home/**'],
    holds: 'the home folder, its lock, key and logs',
    use: ['database', config, 'node:*'],
    types: ['pino'],
  },
  {
    files: ['src/catalog/**'],
    holds: 'jobs, connections, maps, executions',
    use: ['database', 'node:*'],
    types: ['job', 'home', 'ledger', 'schedule', 'workflows'],
  },
  { files: ['src/open_home/**'], holds: 'a home opened to look and to store', use: [...stored, 'node:*'] },
  {
    files: ['src/report/**'],
    holds: 'the summary of a run',
    use: ['policy'],
    types: ['connector', 'ledger', 'catalog'],
  },
  {
    files: ['src/intake/**'],
    holds: 'what people give us becomes what is stored',
    use: [...decisions, 'connector'],
    types: ['catalog', 'report'],
  },
  {
    files: ['src/transfer/**'],
    holds: 'the engine',
    use: [...decisions, 'connector', 'local', ...stored, 'report', 'node:*'],
    types: ['workflows'],
  },
  {
    files: ['src/temporal/**'],
    holds: 'the server, and connections to it',
    use: ['home', 'database', 'workflows', ...temporalio, 'node:*'],
    types: [config],
  },
  {
    files: ['src/client/**'],
    holds: 'commands to jobs, what their workflows are told',
    use: [...decisions, 'connector', 'catalog', 'intake', 'temporal', 'workflows', ...temporalio, 'node:*'],
    types: ['ledger', 'open_home'],
  },
  {
    files: ['src/api/**'],
    holds: 'the REST API',
    use: [...decisions, ...inBetween, 'connector', 'ledger', 'fastify', 'node:*'],
    types: ['catalog', 'workflows'],
  },
  {
    files: ['src/runtime/**'],
    holds: 'the worker, and a home that is served',
    use: ['home', 'temporal', 'client', 'api', 'transfer', 'workflows', 'activities', config, ...temporalio],
    types: ['catalog', 'open_home', 'fastify'],
  },
  {
    files: ['src/cli/**'],
    holds: 'the command line',
    use: ['job', 'policy', ...inBetween, 'ledger', 'transfer', 'api', 'runtime', config, 'commander', 'node:*'],
    types: ['connector', 'catalog'],
  },
  {
    files: ['activities/**'],
    holds: 'one file per activity',
    use: ['policy', 'database', 'home', 'client', ...temporalio],
    types: ['job', 'transfer', 'catalog', 'workflows'],
  },
  {
    files: ['workflows/**'],
    holds: 'workflows, in the sandbox: pure code, and types of the rest',
    use: ['policy', 'report', 'schedule', '@temporalio/workflow', '@temporalio/common'],
    types: ['activities', 'job'],
    rules: sandbox,
  },
]

/** The table in docs/architecture.md. */
export function arrowsTable() {
  const rows = arrows.map(({ files, holds, use, types = [] }) => {
    const folders = files.map((path) => `\`${path.replace('**', '')}\``).join(', ')
    return `| ${folders} | ${holds} | ${named(use) || 'nothing'} | ${named(types) || '–'} |`
  })
  return ['| folder | what it holds | may import | types alone |', '| --- | --- | --- | --- |', ...rows, ''].join('\n')
}

/** @param {string[]} some */
function named(some) {
  const ofTemporal = temporalio.filter((name) => some.includes(name))
  const isAll = ofTemporal.length === temporalio.length
  const shown = isAll ? [...some.filter((name) => !ofTemporal.includes(name)), 'Temporal'] : some
  return shown.map((name) => (name === config ? '`src/config.ts`' : name.replace('node:*', 'Node'))).join(', ')
}
