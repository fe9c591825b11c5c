import { createRequire } from 'node:module'
import { sep } from 'node:path'

/** @type {typeof import('@jest/test-sequencer')} Its types say where `require` finds it, and not where `import` does. */
const { default: TestSequencer } = createRequire(import.meta.url)('@jest/test-sequencer')

/** Whoever begins one of these last waits for it alone, with all other workers idle: they start servers and processes. */
const longest = ['e2e', 'crash', 'temporal', 'workflows', 'transfer', 'conformance']

/** Jest knows how long tests take when it has run them here before; on a fresh machine it goes by the size of their files. */
export default class LongestFirst extends TestSequencer {
  /**
   * @param {import('@jest/test-result').Test[]} tests
   * @override
   */
  async sort(tests) {
    const sorted = await super.sort(tests)
    return sorted.toSorted((a, b) => rank(a.path) - rank(b.path))
  }
}

/** @param {string} path */
function rank(path) {
  const at = longest.findIndex((folder) => path.includes(`${sep}test${sep}${folder}${sep}`))
  return at === -1 ? longest.length : at
}
