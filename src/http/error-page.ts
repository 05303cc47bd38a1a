import type { Problem } from '../kit/errors.ts'
import { catalogue, inLanguage, type Language } from '../kit/i18n.ts'
import { citizenPage, html, htmlResponse } from './html.ts'

const words = catalogue(
  {
    sealed: 'Hệ thống đang niêm phong',
    signIn: 'Bạn cần đăng nhập',
    notAllowed: 'Bạn không được phép làm việc này',
    notFound: 'Không có trang này',
    wrong: 'Yêu cầu chưa đúng',
    failed: 'Có lỗi trong hệ thống',
    code: 'Mã yêu cầu',
    home: 'Về trang đầu',
    sentences: {
      sealed: 'Khóa của hệ thống chưa được đưa vào. Hãy thử lại sau ít phút.',
      'identity/sign-in': 'Phiên của bạn chưa mở hoặc đã hết hạn.',
      'identity/not-allowed': 'Vai trò của bạn không cho phép xem hoặc làm việc này.',
      'http/not-found': 'Địa chỉ này không có gì.',
      'http/foreign-origin': 'Yêu cầu không đến từ trang của chúng tôi nên không được thực hiện.',
      internal: 'Hãy gửi mã yêu cầu cho người quản trị.',
    } as Record<string, string>,
  },
  {
    sealed: 'This system is sealed',
    signIn: 'You need to sign in',
    notAllowed: 'You are not allowed to do this',
    notFound: 'There is no such page',
    wrong: 'Something in the request is not right',
    failed: 'Something failed in the system',
    code: 'Request id',
    home: 'To the front page',
    sentences: {} as Record<string, string>,
  },
)

/** A problem as a page: what happened, what to do, and the id to quote. */
export async function errorPage(problem: Problem, language: Language, controller: string): Promise<Response> {
  const m = inLanguage(words, language)
  const title =
    problem.code === 'sealed'
      ? m.sealed
      : problem.status === 401
        ? m.signIn
        : problem.status === 403
          ? m.notAllowed
          : problem.status === 404
            ? m.notFound
            : problem.status < 500
              ? m.wrong
              : m.failed
  const body = html`<div class="ans">
      <h1>${title}</h1>
      <p class="lead">${m.sentences[problem.code] ?? problem.detail}</p>
    </div>
    <p class="small">${m.code}: <span class="mono">${problem.requestId ?? ''}</span></p>
    <p class="row"><a class="btn" href="/">${m.home}</a></p>`
  return htmlResponse(citizenPage({ language, controller, title, path: '', body }), problem.status)
}
