"""What the chapters of the book share: data, nets, training, measurements, results and plots."""
