"""The evidence pack of a case: true records only, sealed by hashes, checked without this program."""
