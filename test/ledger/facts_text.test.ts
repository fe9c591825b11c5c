import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Facts } from '../../src/connector/item.ts'
import { noFacts, pushFacts } from '../../src/ledger/columns.ts'
import { packColumns, packFacts, unpackFacts } from '../../src/ledger/facts_text.ts'

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\t', '\\', '\\e', 'a\0b', '"x"\t\\t'))
const anyFacts = fc.record(
  {
    identity: text,
    version: text,
    hash: text,
    sizeBytes: fc.bigInt({ min: 0n, max: 1n << 63n }),
    modifiedNs: fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }),
    changedNs: fc.bigInt({ min: -(1n << 62n), max: 1n << 62n }),
    facets: text,
  },
  { requiredKeys: ['sizeBytes'] },
)

test('facts come back from the ledger as they were, whatever a server calls its versions', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      expect(unpackFacts(packFacts(facts as Facts))).toEqual(facts)
    }),
  )
})

test('facts sent by column are stored like facts sent one by one', () => {
  fc.assert(
    fc.property(fc.array(anyFacts), (all) => {
      const columns = noFacts()
      for (const facts of all) pushFacts(columns, facts as Facts)
      expect(packColumns(columns)).toEqual(all.map((facts) => packFacts(facts as Facts)))
    }),
  )
})
