import { ConnectorError } from '../errors.ts'
import type { Facts } from '../item.ts'
import type { RangeSource } from '../http/range_reading.ts'
import type { Headers } from './client.ts'
import { factsOf, isAsExpected } from './facts.ts'
import type { Objects } from './objects.ts'

/** One object; each request says the etag of the version that was planned. */
export function contentOf(objects: Objects, id: string, expected?: Facts): RangeSource {
  const key = objects.keys.keyOf(id)
  return {
    id,
    look: async () => (await objects.head(key, id))?.facts ?? null,
    async get(from) {
      const headers: Headers = {
        ...(expected?.version === undefined ? {} : { 'if-match': `"${expected.version}"` }),
        ...(from === 0n ? {} : { range: `bytes=${from}-` }),
      }
      try {
        const { headers: told, body } = await objects.client.stream({ method: 'GET', key, headers, id })
        return { facts: factsOf(told, objects.settings), body }
      } catch (error) {
        if (error instanceof ConnectorError && error.code === 'PreconditionFailed')
          throw new ConnectorError('ChangedWhileRead', 'is not what was listed', { id, cause: error })
        throw error
      }
    },
    isSame: isAsExpected,
  }
}
