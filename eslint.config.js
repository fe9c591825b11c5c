import tseslint from 'typescript-eslint'
import { arrows, names, rooms } from './eslint.arrows.js'

/**
 * Where two of these meet in a file the later one holds.
 *
 * @param {import('./eslint.arrows.js').Arrow} arrow
 */
function held({ files, use, types = [], rules = {} }) {
  const closed = names.filter((name) => !use.includes(name))
  const group = (/** @type {string[]} */ names) => names.map((name) => (rooms.includes(name) ? `**/${name}/**` : name))
  const patterns = [{ group: group(closed.filter((name) => !types.includes(name))), message: 'arrows run otherwise' }]
  if (types.length > 0) patterns.push({ group: group(types), message: 'import type only', allowTypeImports: true })
  return { files, rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }], ...rules } }
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
  ...arrows.map(held),
)
