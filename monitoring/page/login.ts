/** The login form: a link that ends in `#TOKEN` fills it in and sends it, so the token is in no address a server logs. */
const form = document.querySelector('form');
const field = document.querySelector<HTMLInputElement>('#token');
const wrong = document.querySelector<HTMLElement>('#wrong');

if (location.search === '?wrong' && wrong) wrong.hidden = false;
const token = decodeURIComponent(location.hash.slice(1));
if (token && field && form) {
  field.value = token;
  history.replaceState(null, '', location.pathname);
  form.submit();
} else field?.focus();
