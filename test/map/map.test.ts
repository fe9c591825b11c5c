import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { PrincipalQuery } from '../../src/connector/connector.ts'
import type { Principal } from '../../src/connector/item.ts'
import { readExceptionsCsv, readExclusionsCsv } from '../../src/map/csv.ts'
import { candidates, choose, compileMap } from '../../src/map/resolve.ts'

const alice: Principal = {
  type: 'account',
  directory: 'here',
  id: '1000',
  email: 'alice@a.com',
  username: 'alice',
  name: 'Alice A',
}

function at(directory: string, change: Partial<Principal> = {}): Principal {
  return { type: 'account', directory, id: '7', email: 'alice@a.com', username: 'alice', name: 'Alice A', ...change }
}

/** Asks a directory as a connector does: all given parts, text without regard to case. */
function ask(people: readonly Principal[], query: PrincipalQuery): Principal[] {
  const equal = (a?: string, b?: string) => a === undefined || a.toLowerCase() === b?.toLowerCase()
  return people.filter(
    (p) =>
      p.type === query.type &&
      equal(query.id, p.id) &&
      equal(query.email, p.email) &&
      equal(query.username, p.username) &&
      equal(query.name, p.name),
  )
}

function resolved(who: Principal, people: readonly Principal[], map?: Record<string, unknown>, directory = 'there') {
  const compiled = compileMap(map, who.type)
  const found = candidates(who, compiled, directory).map((query) => ask(people, query))
  return choose(who, compiled, found, directory)
}

describe('the default rules', () => {
  test('find somebody by e-mail, then username, then name', () => {
    expect(resolved(alice, [at('there')])).toMatchObject({ how: 'email', mayOwn: true, mayBeGranted: true })
    expect(resolved(alice, [at('there', { email: 'ALICE@A.COM' })]).how).toBe('email')
    expect(resolved(alice, [at('there', { email: 'x@y' })]).how).toBe('username')
    expect(resolved(alice, [at('there', { email: 'x@y', username: 'x' })]).how).toBe('name')
    expect(resolved(alice, [at('there', { email: 'x@y', username: 'x', name: 'x' })]).how).toBe('unresolved')
  })

  test('believe an id only inside one directory: uid 1000 on two hosts is two people', () => {
    const stranger = at('there', { id: '1000', email: 'bob@b.com', username: 'bob', name: 'Bob' })
    expect(resolved(alice, [stranger]).how).toBe('unresolved')
    expect(resolved(alice, [{ ...stranger, directory: 'here' }], undefined, 'here').how).toBe('id')
  })

  test('let an id without an account keep its number where both sides are one directory', () => {
    const nobody: Principal = { type: 'account', directory: 'here', id: '12345' }
    const kept = { how: 'id', destination: nobody, mayOwn: true, mayBeGranted: true }
    expect(resolved(nobody, [], undefined, 'here')).toMatchObject(kept)
    expect(resolved(nobody, [], undefined, 'there').how).toBe('unresolved')
    expect(resolved(nobody, [], { map_by: { email: true } }, 'here').how).toBe('unresolved')
    expect(resolved(nobody, [], { destination: { exclusions: [{ id: '12345' }] } }, 'here').how).toBe('excluded')
  })

  test('take nobody where several match, and don’t settle it by a weaker rule', () => {
    const twins = [at('there', { id: '7' }), at('there', { id: '8', username: 'alice2' })]
    expect(resolved(alice, twins)).toMatchObject({
      how: 'unresolved',
      why: expect.stringContaining('ambiguous'),
    })
  })

  test('take the same person found twice for one', () => {
    expect(resolved(alice, [at('there'), at('there')]).how).toBe('email')
  })

  test('take nobody who is disabled', () => {
    expect(resolved(alice, [at('there', { disabled: true })])).toMatchObject({ how: 'unresolved', mayOwn: false })
  })

  test('never take a group for a person', () => {
    expect(resolved(alice, [at('there', { type: 'group' })]).how).toBe('unresolved')
    expect(resolved({ ...alice, type: 'group' }, [at('there', { type: 'group', email: 'x', username: 'x' })]).how).toBe(
      'name',
    )
  })

  test('do not believe a directory that answers with somebody else', () => {
    const compiled = compileMap(undefined, 'account')
    const found = candidates(alice, compiled, 'there').map(() => [
      at('there', { email: 'bob@b', username: 'bob', name: 'Bob' }),
    ])
    expect(choose(alice, compiled, found, 'there').how).toBe('unresolved')
  })

  test('find nobody where there is no directory to ask', () => {
    const compiled = compileMap(undefined, 'account')
    expect(candidates(alice, compiled, undefined)).toEqual([])
    expect(choose(alice, compiled, [], undefined).how).toBe('unresolved')
  })
})

describe('a map', () => {
  test('switches rules on and off', () => {
    const byName = compileMap({ map_by: { name: true } }, 'account')
    expect(byName.rules).toEqual(['name'])
    expect(compileMap({ map_by: { default: true, username: false } }, 'account').rules).toEqual(['id', 'email', 'name'])
    expect(compileMap({ map_by: { default: 'true' } }, 'group').rules).toEqual(['id', 'email', 'name'])
    expect(compileMap({ map_by: { displayname: true } }, 'group').rules).toEqual(['name'])
  })

  test('warns of whoever it does not map, unless told not to', () => {
    expect(compileMap({ unmapped_policy: 'add' }, 'account').unmappedPolicy).toBe('warn')
    expect(compileMap({ unmapped_policy: 'ignore' }, 'account').unmappedPolicy).toBe('ignore')
  })

  test('an exception comes before every rule, and is not replaced by one when it finds nobody', () => {
    const map = {
      exceptions: [{ source: { email: 'Alice@a.com', type: 'account' }, destination: { email: 'root@b.com' } }],
    }
    const root = at('there', { id: '0', email: 'root@b.com', username: 'root' })
    expect(resolved(alice, [at('there'), root], map)).toMatchObject({ how: 'exception', destination: root })
    expect(resolved(alice, [at('there')], map)).toMatchObject({
      how: 'unresolved',
      why: expect.stringContaining('root@b.com'),
    })
  })

  test('two exceptions that send one person to two are ambiguous, also when they name that person differently', () => {
    const [bob, eve] = [at('there', { id: '1', email: 'b@b', username: 'bob' }), at('there', { id: '2', email: 'e@b' })]
    const exceptions = [
      { source: { email: 'alice@a.com' }, destination: { email: 'b@b' } },
      { source: { username: 'alice' }, destination: { email: 'e@b' } },
    ]
    const people = [at('there'), bob, eve]
    expect(resolved(alice, people, { exceptions })).toMatchObject({
      how: 'unresolved',
      mayOwn: false,
      why: expect.stringMatching(/"b@b" and to "e@b", which is ambiguous/),
    })
    const twice = [exceptions[0], { source: { username: 'alice' }, destination: { email: 'B@b' } }]
    expect(resolved(alice, people, { exceptions: twice })).toMatchObject({ how: 'exception', destination: bob })
    const fallback = { exceptions, destination: { default: { username: 'bob' } } }
    expect(resolved(alice, people, fallback)).toMatchObject({ how: 'default', mayBeGranted: false })
  })

  test('an exception must fit in all it says', () => {
    const map = {
      exceptions: [{ source: { username: 'alice', email: 'other@a.com' }, destination: { username: 'bob' } }],
    }
    expect(resolved(alice, [at('there')], map).how).toBe('email')
    const to = { exceptions: [{ source: { username: 'alice' }, destination: { username: 'alice', email: 'b@b' } }] }
    expect(resolved(alice, [at('there')], to).how).toBe('unresolved')
  })

  test('a name that is an e-mail address finds one', () => {
    const map = {
      exceptions: [{ source: { name: 'alice@a.com' }, destination: { name: 'bob@b.com', caption: 'Bob' } }],
    }
    expect(resolved(alice, [at('there', { email: 'bob@b.com', name: 'Bob' })], map).how).toBe('exception')
  })

  test('a name finds a login whose full name is empty, on both sides alike', () => {
    const login = (directory: string, username: string): Principal => ({
      type: 'account',
      directory,
      id: '5',
      username,
    })
    const map = { exceptions: [{ source: { name: 'alice' }, destination: { name: 'bob' } }] }
    const bob = login('there', 'bob')
    expect(resolved(login('here', 'alice'), [bob], map)).toMatchObject({ how: 'exception', destination: bob })
    // Somebody else's full name is no way to settle it.
    const namesake: Principal = { ...login('there', 'robert'), id: '6', name: 'Bob' }
    expect(resolved(login('here', 'alice'), [bob, namesake], map).how).toBe('unresolved')
    const fallback = { destination: { default: { name: 'bob' } } }
    expect(resolved(login('here', 'alice'), [bob], fallback)).toMatchObject({ how: 'default', destination: bob })
  })

  test('leaves the excluded out, on either side, whatever else it says', () => {
    const exception = { exceptions: [{ source: { username: 'alice' }, destination: { username: 'alice' } }] }
    const source = {
      source: { exclusions: [{ sid: { email: 'alice@a.com' } }] },
      destination: { default: { username: 'alice' } },
    }
    expect(resolved(alice, [at('there')], { ...exception, ...source })).toMatchObject({
      how: 'excluded',
      mayOwn: false,
    })
    const destination = { destination: { exclusions: [{ username: 'alice' }] } }
    expect(resolved(alice, [at('there')], destination).how).toBe('excluded')
  })

  test('a fallback may own and is never granted anything', () => {
    const service = at('there', { id: '1', email: 'svc@b', username: 'svc', name: 'Service' })
    const map = { destination: { default: { username: 'svc', type: 'account' } } }
    expect(resolved(alice, [service], map)).toMatchObject({
      how: 'default',
      destination: service,
      mayOwn: true,
      mayBeGranted: false,
    })
    expect(resolved(alice, [service, at('there')], map).how).toBe('email')
    expect(resolved(alice, [{ ...service, disabled: true }], map).how).toBe('unresolved')
  })

  test('that is not what it should be is read for what it is', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('map_by', 'exceptions', 'source', 'destination', 'unmapped_policy'),
          fc.jsonValue(),
        ),
        (map) => {
          expect(() => resolved(alice, [at('there')], map)).not.toThrow()
        },
      ),
      { numRuns: 300 },
    )
  })

  test('never makes one person another by a number from another directory', () => {
    const text = fc.constantFrom('1000', 'alice', 'bob', 'a@x', 'b@x')
    const person = fc.record(
      { id: text, email: text, username: text, name: text, disabled: fc.boolean() },
      { requiredKeys: [] },
    ) as fc.Arbitrary<Partial<Principal>>
    fc.assert(
      fc.property(person, fc.array(person, { maxLength: 4 }), (who, people) => {
        const one = { type: 'account' as const, directory: 'here', ...who }
        const others = people.map((p) => ({ type: 'account' as const, directory: 'there', ...p }))
        const { how, destination } = resolved(one, others)
        expect(how).not.toBe('id')
        if (!destination) return
        expect(destination.disabled ?? false).toBe(false)
        expect([how, destination[how as 'email']]).toEqual([how, one[how as 'email']])
      }),
      { numRuns: 500 },
    )
  })
})

describe('maps as CSV', () => {
  const header =
    'source_id,source_username,source_name,source_caption,destination_id,destination_username,destination_name,destination_caption'

  test('the reference’s example reads as one exception', () => {
    const text = `${header}\r\n"","","user1@a.com","User One","","","user1@b.com","User One"\r\n`
    expect(readExceptionsCsv(text, 'account')).toEqual({
      rows: [
        {
          source: { type: 'account', name: 'user1@a.com', caption: 'User One' },
          destination: { type: 'account', name: 'user1@b.com', caption: 'User One' },
        },
      ],
      problems: [],
    })
  })

  test('quotes, commas, line ends, doubled backslashes and a byte order mark are read as they are meant', () => {
    const text = `\ufeff"id","username"\n"7","company\\\\Joe, ""the""\nSmith"\n\n`
    expect(readExclusionsCsv(text, 'account').rows).toEqual([
      { sid: { type: 'account', id: '7', username: 'company\\Joe, "the"\nSmith' } },
    ])
  })

  test.each([
    ['', '1', 1, 'no header'],
    ['id,colour\n', '2', 1, 'unknown column "colour"'],
    ['id,id\n', '2', 1, 'appears twice'],
    ['id,name\n"1","a"\n"2"\n', '1', 3, '1 fields; the header has 2'],
    ['id,name\n"1\n2","a"\n"x"y,"b"\n', '1', 4, 'text after the closing quote'],
    ['id\n"never closed', '1', 2, 'its quote never closes'],
    ['id,name\n"",""\n', 'id', 2, 'nobody'],
  ])('%j is refused with column %s, line %d: %s', (text, column, line, problem) => {
    const { problems } = readExclusionsCsv(text, 'account')
    expect(problems).toEqual([{ line, column, problem: expect.stringContaining(problem) }])
  })

  test('one person sent to two is refused with the line; the same row twice is not', () => {
    const row = (from: string, to: string) => `"","","${from}","","","","${to}",""\n`
    const text = `${header}\n${row('a@a', 'a@b')}${row('A@a', 'A@b')}${row('a@a', 'c@b')}`
    expect(readExceptionsCsv(text, 'account').problems).toEqual([
      { line: 4, column: 'destination_id', problem: 'sends somebody elsewhere than line 2 does' },
    ])
  })

  test('what a spreadsheet would take for a formula is a name like any other', () => {
    const text = `${header}\n"","","=cmd|' /C calc'!A0","","","","@SUM(1)",""\n`
    expect(readExceptionsCsv(text, 'account').rows).toMatchObject([
      { source: { name: "=cmd|' /C calc'!A0" }, destination: { name: '@SUM(1)' } },
    ])
  })

  test('an exception needs both sides', () => {
    const text = `${header}\n"1","","","","","","",""\n`
    expect(readExceptionsCsv(text, 'account').problems).toMatchObject([{ line: 2, column: 'destination_id' }])
  })

  test('whatever is in a field comes back', () => {
    const cell = fc.string({ unit: 'grapheme' }).filter((text) => text.trim() === text && text !== '')
    fc.assert(
      fc.property(cell, cell, (id, name) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""').replaceAll('\\', '\\\\')}"`
        const { rows, problems } = readExclusionsCsv(`id,name\n${quote(id)},${quote(name)}`, 'group')
        expect(problems).toEqual([])
        expect(rows).toEqual([{ sid: { type: 'group', id, name } }])
      }),
      { numRuns: 300 },
    )
  })
})
