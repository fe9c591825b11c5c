import { gaps } from './carried_out.ts'

/** The table of `docs/job-document.md`, in Markdown; `node scripts/job-document-table.ts` writes it there. */
export function notCarriedOutTable(): string {
  const rows = gaps.map(({ setting, values, harm, sentence }) => {
    const answer = harm === 'harmful' ? 'start refused' : 'warning'
    return `| \`${setting}\` | ${values} | ${answer} | ${sentence} |`
  })
  return ['| setting | values | answer | why |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
