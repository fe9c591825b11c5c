import tseslint from 'typescript-eslint'

/** The arrows of the house (docs/architecture.md): what a folder may not import. */
const io = ['node:*', 'fastify', 'pino', 'commander', '@temporalio/*']
const pure = {
  files: ['src/policy/**', 'src/filter/**', 'src/map/**', 'src/schedule/**'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: [...io, '**/ledger/**', '**/transfer/**', '**/catalog/**', '**/api/**', '**/cli/**'],
            message: 'pure code: no I/O',
          },
        ],
      },
    ],
    'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setTimeout', 'performance'],
    'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'pass the time in' }],
  },
}
const sandbox = {
  files: ['workflows/**'],
  rules: {
    'no-restricted-globals': ['error', 'process', 'Buffer', 'fetch', 'setInterval', 'performance', 'Temporal'],
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: [
              'node:*',
              '@temporalio/client',
              '@temporalio/worker',
              '@temporalio/activity',
              '@temporalio/testing',
            ],
            message: 'not in the workflow sandbox',
          },
          {
            group: ['**/activities/**', '**/ledger/**', '**/transfer/**', '**/catalog/**', '**/connector/**'],
            allowTypeImports: true,
            message: 'import type only',
          },
        ],
      },
    ],
  },
}
const inner = {
  files: ['src/transfer/**', 'src/connector/**', 'src/ledger/**', 'src/catalog/**', 'src/job/**'],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: ['**/api/**', '**/cli/**', '**/activities/**', '**/scripts/**', '@temporalio/*', '**/workflows/**'],
            allowTypeImports: true,
            message: 'arrows run the other way',
          },
        ],
      },
    ],
  },
}

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
  pure,
  sandbox,
  inner,
)
