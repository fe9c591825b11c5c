import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

/** `name` (`path`), as the pages have it. */
const named = /`([A-Za-z_.]+)`(?: \(|, )`([\w/.]+\.[tj]s)`/g
const paths = /`((?:src|workflows|activities|scripts|test|docs)\/[\w/.]*)`/g

test.each(['docs/architecture.md', 'docs/decisions.md'])('%s names what there is', (page) => {
  const text = read(page)
  const missing: string[] = []
  for (const [, path] of text.matchAll(paths)) if (!existsSync(new URL(path!, root))) missing.push(path!)
  let pairs = 0
  for (const [, name, path] of text.matchAll(named)) {
    if (!existsSync(new URL(path!, root))) continue
    pairs += 1
    for (const part of name!.split('.'))
      if (!new RegExp(`\\b${part}\\b`).test(read(path!))) missing.push(`${name} in ${path}`)
  }
  expect(missing).toEqual([])
  expect(pairs).toBeGreaterThan(5)
})

test.each(['README.md', 'docs/architecture.md', 'docs/decisions.md', 'docs/job-document.md', 'docs/policies.md'])(
  'links of %s lead somewhere',
  (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, link]) => link!)
    expect(links.filter((link) => !existsSync(new URL(link, new URL(page, root))))).toEqual([])
  },
)
