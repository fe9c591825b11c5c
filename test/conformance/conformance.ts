import { afterEach, beforeEach, describe } from '@jest/globals'
import { Bench, type Current, type Subject } from './bench.ts'
import { attributeCases } from './cases/attributes.ts'
import { containerCases } from './cases/containers.ts'
import { crashCases } from './cases/crash.ts'
import { listingCases } from './cases/listing.ts'
import { nameCases } from './cases/names.ts'
import { newContainerCases } from './cases/new_containers.ts'
import { publishCases } from './cases/publish.ts'
import { readingCases } from './cases/reading.ts'
import { removalCases } from './cases/removal.ts'
import { siblingCases } from './cases/siblings.ts'

/**
 * What every platform has to hold: what its capabilities claim is true as a second channel sees it, what they do not claim
 * fails with `Unsupported`, and what fails changes nothing.
 *
 * @param make a connector on a fresh, empty root; called for each test
 */
export function conformance(name: string, make: () => Promise<Subject>): void {
  describe(`the connector contract, by ${name}`, () => {
    let bench: Bench | undefined
    beforeEach(async () => {
      bench = await Bench.open(await make())
    })
    afterEach(async () => {
      await bench?.session.close()
      await bench?.subject.dispose()
    })
    const current: Current = () => {
      if (!bench) throw new Error('no test is running')
      return bench
    }
    describe('containers', () => containerCases(current))
    describe('listing', () => listingCases(current))
    describe('names', () => nameCases(current))
    describe('reading', () => readingCases(current))
    describe('staging and publishing', () => publishCases(current))
    describe('containers that appear as a whole', () => newContainerCases(current))
    describe('a death half-way', () => crashCases(current))
    describe('ids and names that repeat', () => siblingCases(current))
    describe('removing', () => removalCases(current))
    describe('attributes', () => attributeCases(current))
  })
}
