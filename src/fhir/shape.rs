//! One-pass rewriting of what a HIS answered into what the patient may see.
