// Package chart draws plots as SVG.
package chart

import (
	"fmt"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

const (
	width  = 8 * vg.Inch
	height = 4.5 * vg.Inch
)

// A Point is one of a line.
type Point struct{ X, Y float64 }

// A Line is the curve of one contender.
type Line struct {
	Name   string
	Points []Point
}

// A Tick is a labeled place of an axis.
type Tick struct {
	Value float64
	Label string
}

// Lines is a plot of curves, on two logarithmic axes.
type Lines struct {
	Title, X, Y string
	XTicks      []Tick
	Lines       []Line
}

// Draw writes the plot as SVG.
func (l Lines) Draw(w io.Writer) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = l.Title, l.X, l.Y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks(l.XTicks), plot.LogTicks{Prec: -1}
	p.Add(plotter.NewGrid())
	for i, line := range l.Lines {
		xys := make(plotter.XYs, len(line.Points))
		for j, point := range line.Points {
			xys[j] = plotter.XY(point)
		}
		curve, points, err := plotter.NewLinePoints(xys)
		if err != nil {
			return fmt.Errorf("curve of %s: %w", line.Name, err)
		}
		curve.Color, points.Color = plotutil.Color(i), plotutil.Color(i)
		curve.Width, points.Shape = vg.Points(1.5), plotutil.Shape(i)
		p.Add(curve, points)
		p.Legend.Add(line.Name, curve, points)
	}
	// A decade at least, and whole ones: ticks are at the powers of ten.
	p.Y.Min = math.Pow(10, math.Floor(math.Log10(p.Y.Min)))
	p.Y.Max = math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	besideLegend(p)
	return write(p, w)
}

// A Bar is one contender's figure.
type Bar struct {
	Name  string
	Value float64
}

// Bars is a plot of one figure each.
type Bars struct {
	Title, Y string
	Bars     []Bar
}

// Draw writes the plot as SVG.
func (b Bars) Draw(w io.Writer) error {
	p := plot.New()
	p.Title.Text, p.Y.Label.Text = b.Title, b.Y
	p.Y.Min = 0
	names, values := make([]string, len(b.Bars)), make(plotter.Values, len(b.Bars))
	for i, bar := range b.Bars {
		names[i], values[i] = bar.Name, bar.Value
	}
	bars, err := plotter.NewBarChart(values, vg.Points(40))
	if err != nil {
		return fmt.Errorf("bars: %w", err)
	}
	bars.Color = plotutil.Color(2)
	p.Add(bars)
	p.NominalX(names...)
	return write(p, w)
}

func ticks(places []Tick) plot.ConstantTicks {
	all := make(plot.ConstantTicks, len(places))
	for i, place := range places {
		all[i] = plot.Tick(place)
	}
	return all
}

// besideLegend makes room for the legend to the right of the curves.
func besideLegend(p *plot.Plot) {
	p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.35)
	p.Legend.Top = true
}

func write(p *plot.Plot, w io.Writer) error {
	svg, err := p.WriterTo(width, height, "svg")
	if err != nil {
		return fmt.Errorf("svg: %w", err)
	}
	_, err = svg.WriteTo(w)
	return err
}
