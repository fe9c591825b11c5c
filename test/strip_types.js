import { createHash } from 'node:crypto'
import { stripTypeScriptTypes } from 'node:module'

/**
 * What Jest runs is what Node runs: types are taken away, nothing else is changed. A compiler that lowers the language would
 * have its own idea of `using`.
 *
 * @type {import('@jest/transform').SyncTransformer}
 */
export default {
  process: (source, path) => ({ code: stripTypeScriptTypes(source, { sourceUrl: path }) }),
  getCacheKey: (source, path) => createHash('sha256').update(`${process.version}\0${path}\0${source}`).digest('hex'),
}
