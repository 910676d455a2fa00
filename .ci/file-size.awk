# Counts the lines of code of each Rust file; fails on one over 400. An inline `mod tests` ends the count.
FNR == 1 { report(); file = FILENAME; lines = 0; test = 0; done = 0 }
done { next }
/^#\[cfg\(test\)\]/ { test = 1; next }
test && /^(pub )?mod [a-z_]+ \{/ { done = 1; next }
{ test = 0 }
/^[ \t]*(\/\/|$)/ { next }
{ lines++ }
END { report(); exit failed }
function report() {
  if (lines > 400) { printf "%s has %d lines of code; 400 are the most\n", file, lines; failed = 1 }
}
