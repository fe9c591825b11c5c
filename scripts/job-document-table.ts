/** Writes the table of what is not carried out yet into docs/job-document.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { notCarriedOutTable } from '../src/job/carried_out_table.ts'

const page = new URL('../docs/job-document.md', import.meta.url)
const table = /\| setting \|[^]*?\n(?!\|)/
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(table, () => `${notCarriedOutTable()}\n`),
)
