/** Counts the children of a root, page by page, keeping none. */
import { fs } from '../../../src/connector/fs/fs.ts'

const session = await fs.open({ root: process.argv[2] })
let count = 0
let complete = false
for await (const page of session.list('', [])) {
  count += page.items.length
  complete = page.complete
}
console.log(`${count} ${complete ? 'complete' : 'incomplete'}`)
