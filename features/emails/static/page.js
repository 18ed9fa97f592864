// Takes the code out of the address, where no server sees it, into the form; without scripts it is
// typed in.
const field = document.querySelector('input[name="token"]');
const code = location.hash.slice(1);
if (field && (code || field.value)) {
  field.value = code || field.value;
  field.parentElement.hidden = true;
  history.replaceState(null, "", location.pathname);
}
